/* A float MLP of the usual kind - one hidden layer, ReLU, softmax, cross-entropy, SGD - to compare with. It has the
 * names of an exported network so that the same programs drive and measure both.
 *
 * weights.h, generated, defines BMLP_N_FEATURES, BMLP_N_CLASSES, N_HIDDEN, LEARNING_RATE and the constant arrays
 * hidden_weights [N_HIDDEN][BMLP_N_FEATURES], hidden_biases, output_weights [BMLP_N_CLASSES][N_HIDDEN], output_biases.
 */
#ifndef FLOAT_MLP_H
#define FLOAT_MLP_H

#include <stdint.h>

#include "weights.h"

#define BMLP_OK 0

typedef FEATURE_TYPE bmlp_feature_t;

int bmlp_predict(const bmlp_feature_t *features);
int bmlp_logits(const bmlp_feature_t *features, int32_t *logits); /* in units of 2^-16 */

/* All that learning needs in RAM. */
typedef struct {
    float hidden_weights[N_HIDDEN][BMLP_N_FEATURES];
    float hidden_biases[N_HIDDEN];
    float output_weights[BMLP_N_CLASSES][N_HIDDEN];
    float output_biases[BMLP_N_CLASSES];
} bmlp_ctx;

int bmlp_init(bmlp_ctx *ctx);
int bmlp_learn(bmlp_ctx *ctx, const bmlp_feature_t *features, int label); /* one step of SGD */
int bmlp_flush(bmlp_ctx *ctx);
int bmlp_ctx_predict(const bmlp_ctx *ctx, const bmlp_feature_t *features);
int bmlp_ctx_logits(const bmlp_ctx *ctx, const bmlp_feature_t *features, int32_t *logits);

#endif
