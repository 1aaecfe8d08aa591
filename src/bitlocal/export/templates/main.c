/* Predicts the built-in samples, and compares with what bitlocal predicted when the model was exported. */
#include <stdio.h>

#include "bmlp.h"
#include "samples.h"

#if defined(BMLP_STATE_SIZE)
static bmlp_ctx ctx;
#endif

int main(void) {
    int unexpected = 0;
    int i;
    for (i = 0; i < BMLP_N_SAMPLES; ++i) {
        const int class_index = bmlp_predict(bmlp_samples[i]);
        const int expected = bmlp_expected[i];
        printf("sample %d: %s%s\n", i, class_index < 0 ? "error" : bmlp_class_names[class_index],
               class_index == expected ? "" : ", not what bitlocal predicted");
        unexpected += class_index != expected;
    }
#if defined(BMLP_STATE_SIZE)
    /* Learning goes like this: start from the exported model, show samples with their classes, predict. */
    if (bmlp_init(&ctx) != BMLP_OK) {
        return 2;
    }
    for (i = 0; i < BMLP_N_SAMPLES; ++i) {
        if (bmlp_learn(&ctx, bmlp_samples[i], bmlp_expected[i]) != BMLP_OK) {
            return 2;
        }
    }
    if (bmlp_flush(&ctx) != BMLP_OK) {
        return 2;
    }
    printf("after learning, sample 0: %s; a state has %u bytes\n",
           bmlp_class_names[bmlp_ctx_predict(&ctx, bmlp_samples[0])], (unsigned)BMLP_STATE_SIZE);
#endif
    return unexpected == 0 ? 0 : 1;
}
