/* Plain loops over floats. What can be left out is left out: weights of inputs that are zero, gradients of neurons that
 * are off. */
#include <math.h>
#include <string.h>

#include "bmlp.h"

#define DEFINE_WEIGHTS
#include "weights.h"

static float input_of(bmlp_feature_t feature) {
    return (float)feature * INPUT_SCALE;
}

static void forward(const float (*w1)[BMLP_N_FEATURES], const float *b1, const float (*w2)[N_HIDDEN], const float *b2,
                    const float *x, float *hidden, float *out) {
    for (int k = 0; k < N_HIDDEN; ++k) {
        float sum = b1[k];
        for (int j = 0; j < BMLP_N_FEATURES; ++j) sum += w1[k][j] * x[j];
        hidden[k] = sum > 0.0f ? sum : 0.0f;
    }
    for (int c = 0; c < BMLP_N_CLASSES; ++c) {
        float sum = b2[c];
        for (int k = 0; k < N_HIDDEN; ++k) sum += w2[c][k] * hidden[k];
        out[c] = sum;
    }
}

static void inputs(const bmlp_feature_t *features, float *x) {
    for (int j = 0; j < BMLP_N_FEATURES; ++j) x[j] = input_of(features[j]);
}

static int largest(const float *out) {
    int best = 0;
    for (int c = 1; c < BMLP_N_CLASSES; ++c)
        if (out[c] > out[best]) best = c;
    return best;
}

static void fixed_point(const float *out, int32_t *logits) {
    for (int c = 0; c < BMLP_N_CLASSES; ++c) logits[c] = (int32_t)(out[c] * 65536.0f);
}

static void constant_forward(const bmlp_feature_t *features, float *out) {
    float x[BMLP_N_FEATURES], hidden[N_HIDDEN];
    inputs(features, x);
    forward(hidden_weights, hidden_biases, output_weights, output_biases, x, hidden, out);
}

int bmlp_predict(const bmlp_feature_t *features) {
    float out[BMLP_N_CLASSES];
    constant_forward(features, out);
    return largest(out);
}

int bmlp_logits(const bmlp_feature_t *features, int32_t *logits) {
    float out[BMLP_N_CLASSES];
    constant_forward(features, out);
    fixed_point(out, logits);
    return BMLP_OK;
}

int bmlp_init(bmlp_ctx *ctx) {
    memcpy(ctx->hidden_weights, hidden_weights, sizeof ctx->hidden_weights);
    memcpy(ctx->hidden_biases, hidden_biases, sizeof ctx->hidden_biases);
    memcpy(ctx->output_weights, output_weights, sizeof ctx->output_weights);
    memcpy(ctx->output_biases, output_biases, sizeof ctx->output_biases);
    return BMLP_OK;
}

static void ctx_forward(const bmlp_ctx *ctx, const float *x, float *hidden, float *out) {
    forward(ctx->hidden_weights, ctx->hidden_biases, ctx->output_weights, ctx->output_biases, x, hidden, out);
}

int bmlp_learn(bmlp_ctx *ctx, const bmlp_feature_t *features, int label) {
    float x[BMLP_N_FEATURES], hidden[N_HIDDEN], delta[BMLP_N_CLASSES], back[N_HIDDEN];
    inputs(features, x);
    ctx_forward(ctx, x, hidden, delta);

    /* Softmax, less the wanted output: the gradient of the cross-entropy. */
    const float top = delta[largest(delta)];
    float sum = 0.0f;
    for (int c = 0; c < BMLP_N_CLASSES; ++c) {
        delta[c] = expf(delta[c] - top);
        sum += delta[c];
    }
    for (int c = 0; c < BMLP_N_CLASSES; ++c) delta[c] = LEARNING_RATE * (delta[c] / sum - (c == label ? 1.0f : 0.0f));

    for (int k = 0; k < N_HIDDEN; ++k) {
        back[k] = 0.0f;
        if (hidden[k] == 0.0f) continue;
        for (int c = 0; c < BMLP_N_CLASSES; ++c) {
            back[k] += delta[c] * ctx->output_weights[c][k];
            ctx->output_weights[c][k] -= delta[c] * hidden[k];
        }
    }
    for (int c = 0; c < BMLP_N_CLASSES; ++c) ctx->output_biases[c] -= delta[c];
    for (int k = 0; k < N_HIDDEN; ++k) {
        if (back[k] == 0.0f) continue;
        for (int j = 0; j < BMLP_N_FEATURES; ++j)
            if (x[j] != 0.0f) ctx->hidden_weights[k][j] -= back[k] * x[j];
        ctx->hidden_biases[k] -= back[k];
    }
    return BMLP_OK;
}

int bmlp_flush(bmlp_ctx *ctx) {
    (void)ctx;
    return BMLP_OK;
}

int bmlp_ctx_predict(const bmlp_ctx *ctx, const bmlp_feature_t *features) {
    float x[BMLP_N_FEATURES], hidden[N_HIDDEN], out[BMLP_N_CLASSES];
    inputs(features, x);
    ctx_forward(ctx, x, hidden, out);
    return largest(out);
}

int bmlp_ctx_logits(const bmlp_ctx *ctx, const bmlp_feature_t *features, int32_t *logits) {
    float x[BMLP_N_FEATURES], hidden[N_HIDDEN], out[BMLP_N_CLASSES];
    inputs(features, x);
    ctx_forward(ctx, x, hidden, out);
    fixed_point(out, logits);
    return BMLP_OK;
}
