/* emlearn's model behind the names of an exported network. */
#include "bmlp.h"

/* Its code is not written for our warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#include "generated.h"
#pragma GCC diagnostic pop

int bmlp_predict(const bmlp_feature_t *features) {
    MODEL_TYPE values[BMLP_N_FEATURES];
    for (int j = 0; j < BMLP_N_FEATURES; ++j) values[j] = (MODEL_TYPE)(features[j] * MODEL_SCALE);
    return (int)model_predict(values, BMLP_N_FEATURES);
}

int bmlp_logits(const bmlp_feature_t *features, int32_t *logits) {
    const int winner = bmlp_predict(features);
    for (int c = 0; c < BMLP_N_CLASSES; ++c) logits[c] = c == winner ? 1 : 0;
    return BMLP_OK;
}
