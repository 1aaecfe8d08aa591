/* A camera that was mounted wrongly, and a network that gets used to it: what runs on the device.
 *
 * bmlp.h and bmlp.c come from `bitlocal export c --learn`, samples.h from run.py. */
#include "bmlp.h"
#include "board.h"
#include "samples.h"

static bmlp_ctx network;

/* Says how many of the images it takes for what they are. */
static void examine(const char *what, const bmlp_feature_t images[][BMLP_N_FEATURES]) {
    int right = 0;
    for (int i = 0; i < N_TEST; ++i) right += bmlp_ctx_predict(&network, images[i]) == test_labels[i];
    board_text(what);
    board_number(right);
    board_text(" of ");
    board_number(N_TEST);
    board_text(" right\n");
}

int main(void) {
    if (bmlp_init(&network) != BMLP_OK) return 1;
    examine("upright images:                     ", upright_images);
    examine("turned images, before learning:     ", turned_images);
    for (int pass = 1; pass <= N_PASSES; ++pass) {
        for (int i = 0; i < N_LEARN; ++i) (void)bmlp_learn(&network, learn_images[i], learn_labels[i]);
        (void)bmlp_flush(&network);
        board_text("pass ");
        board_number(pass);
        examine(" over the labelled images:   ", turned_images);
    }
    board_exit(0);
}
