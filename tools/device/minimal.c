/* The smallest program around an exported network, to measure: what a device spends on it in flash and RAM, start-up
 * included. Compiled with -DLEARN if it learns there. With -DMEASURE=N it learns four mini-batches of N samples, prints
 * how deep its stack went, and ends. */
#include "bmlp.h"

bmlp_feature_t features[BMLP_N_FEATURES]; /* where a driver of a sensor would write */
volatile int answer;                      /* and where something would act on it */
#ifdef LEARN
volatile int label = -1; /* told by a user; -1 if not */
static bmlp_ctx ctx;
#endif

static void turn(void) {
#ifdef LEARN
    const int told = label;
    answer = told >= 0 ? bmlp_learn(&ctx, features, told) : bmlp_ctx_predict(&ctx, features);
#else
    answer = bmlp_predict(features);
#endif
}

#ifdef MEASURE
#include "board.h"

int main(void) {
    board_paint();
#ifdef LEARN
    (void)bmlp_init(&ctx);
    /* Labels that change cannot all be right: each mini-batch has something to learn. */
    for (int i = 0; i < 4 * MEASURE; ++i) {
        label = i % BMLP_N_CLASSES;
        turn();
    }
    label = -1;
#endif
    turn();
    board_number((int32_t)board_stack_depth());
    board_exit(0);
}
#else
int main(void) {
#ifdef LEARN
    (void)bmlp_init(&ctx);
#endif
    for (;;) turn();
}
#endif
