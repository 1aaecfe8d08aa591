/* Puts an exported network through what the input says, and prints what it did. Compiled with -DLEARN if it learns.
 *
 * The input is a row of requests: a letter, a count of four bytes (little-endian), and `count` samples, which for some
 * requests have a label byte before the features.
 *
 *   p  predict: "class logit logit ..." of each sample
 *   a  labelled: "correct of count"
 *   i  predict, measured: "instructions stack", the sum of the former and the deepest of the latter
 *   l  labelled: learn from them one by one; prints the sum of what bmlp_learn returned
 *   j  the same, measured: "instructions stack"
 *   f  close the mini-batch
 *   c  predict with the network that learns, as p
 *   e  labelled: "correct of count" of the network that learns
 *   0  start again from the exported model
 *   s  save: the blob in hexadecimal
 *   r  load a blob of `count` bytes: what bmlp_load returned
 *   z  "bytes of bmlp_ctx" and "bytes of a blob"
 */
#include "bmlp.h"
#include "board.h"

static bmlp_feature_t features[BMLP_N_FEATURES];

static void read_or_leave(void *to, size_t length) {
    if (board_read(to, length) != length) board_exit(5);
}

static uint8_t read_label(void) {
    uint8_t label;
    read_or_leave(&label, 1);
    return label;
}

static void print_answer(int winner, const int32_t *logits) {
    board_number(winner);
    for (size_t c = 0; c < BMLP_N_CLASSES; ++c) {
        board_text(" ");
        board_number(logits[c]);
    }
    board_text("\n");
}

static void two_numbers(int32_t first, const char *between, int32_t second) {
    board_number(first);
    board_text(between);
    board_number(second);
    board_text("\n");
}

static void predict(void) {
    int32_t logits[BMLP_N_CLASSES];
    if (bmlp_logits(features, logits) != BMLP_OK) board_exit(6);
    print_answer(bmlp_predict(features), logits);
}

#ifdef LEARN
static bmlp_ctx ctx;
#ifdef BMLP_STATE_SIZE
static uint8_t blob[BMLP_STATE_SIZE];
#endif

static void ctx_predict(void) {
    int32_t logits[BMLP_N_CLASSES];
    if (bmlp_ctx_logits(&ctx, features, logits) != BMLP_OK) board_exit(6);
    print_answer(bmlp_ctx_predict(&ctx, features), logits);
}
#endif

/* Counts are of each call alone: reading a sample is not part of them. */
static void measured(uint32_t count, int learns) {
    int32_t total = 0;
    uint32_t stack = 0;
    for (uint32_t i = 0; i < count; ++i) {
        const int label = learns ? read_label() : 0;
        read_or_leave(features, sizeof features);
        board_paint();
        const uint32_t before = board_instructions();
#ifdef LEARN
        if (learns) {
            (void)bmlp_learn(&ctx, features, label);
        } else
#endif
        {
            (void)bmlp_predict(features);
        }
        (void)label;
        total += (int32_t)board_elapsed(before);
        const uint32_t used = board_stack_used();
        if (used > stack) stack = used;
    }
    two_numbers(total, " ", (int32_t)stack);
}

static void serve(uint8_t request, uint32_t count) {
    int32_t sum = 0;
    if (request == 'i') {
        measured(count, 0);
        return;
    }
#ifdef LEARN
    if (request == 'j') {
        measured(count, 1);
        return;
    }
#ifdef BMLP_STATE_SIZE
    if (request == 'r') {
        if (count != sizeof blob) board_exit(7);
        read_or_leave(blob, sizeof blob);
        board_number(bmlp_load(&ctx, blob, sizeof blob));
        board_text("\n");
        return;
    }
    if (request == 's') {
        if (bmlp_save(&ctx, blob, sizeof blob) != BMLP_OK) board_exit(8);
        board_hex(blob, sizeof blob);
        board_text("\n");
        return;
    }
    if (request == 'z') {
        two_numbers((int32_t)sizeof ctx, " ", (int32_t)sizeof blob);
        return;
    }
#endif
    if (request == 'f' || request == '0') {
        board_number(request == 'f' ? bmlp_flush(&ctx) : bmlp_init(&ctx));
        board_text("\n");
        return;
    }
#endif
    for (uint32_t i = 0; i < count; ++i) {
        const int label = request == 'a' || request == 'l' || request == 'e' ? read_label() : 0;
        read_or_leave(features, sizeof features);
        if (request == 'p') predict();
        if (request == 'a') sum += bmlp_predict(features) == label;
#ifdef LEARN
        if (request == 'c') ctx_predict();
        if (request == 'l') sum += bmlp_learn(&ctx, features, label);
        if (request == 'e') sum += bmlp_ctx_predict(&ctx, features) == label;
#endif
        (void)label;
    }
    if (request == 'a' || request == 'e') two_numbers(sum, " of ", (int32_t)count);
    if (request == 'l') two_numbers(sum, " ", (int32_t)count);
}

int main(void) {
    uint8_t request[5];
#ifdef LEARN
    (void)bmlp_init(&ctx);
#endif
    while (board_read(request, 1) == 1) {
        read_or_leave(request + 1, 4);
        const uint32_t count =
            request[1] | (uint32_t)request[2] << 8 | (uint32_t)request[3] << 16 | (uint32_t)request[4] << 24;
        serve(request[0], count);
    }
    board_exit(0);
}
