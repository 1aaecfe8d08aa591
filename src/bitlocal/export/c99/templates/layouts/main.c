/* Predicts the built-in samples, and compares with what bitlocal predicted when the model was exported. */
#include <stdio.h>

#include "$net.h"
#include "samples.h"

#if defined($NET_STATE_SIZE)
static $net_ctx ctx;
#endif

int main(void) {
    int unexpected = 0;
    int i;
    for (i = 0; i < $NET_N_SAMPLES; ++i) {
        const int class_index = $net_predict($net_samples[i]);
        const int expected = $net_expected[i];
        printf("sample %d: %s%s\n", i, class_index < 0 ? "error" : $net_class_names[class_index],
               class_index == expected ? "" : ", not what bitlocal predicted");
        unexpected += class_index != expected;
    }
#if defined($NET_STATE_SIZE)
    /* Learning goes like this: start from the exported model, show samples with their classes, predict. */
    if ($net_init(&ctx) != $NET_OK) {
        return 2;
    }
    for (i = 0; i < $NET_N_SAMPLES; ++i) {
        if ($net_learn(&ctx, $net_samples[i], $net_expected[i]) != $NET_OK) {
            return 2;
        }
    }
    if ($net_flush(&ctx) != $NET_OK) {
        return 2;
    }
    printf("after learning, sample 0: %s; a state has %u bytes\n",
           $net_class_names[$net_ctx_predict(&ctx, $net_samples[0])], (unsigned)$NET_STATE_SIZE);
#endif
    return unexpected == 0 ? 0 : 1;
}
