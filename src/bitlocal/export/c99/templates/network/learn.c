//: constants
#define $NET_PLANES ${planes}u
#define $NET_OFFSET_MIN ${least}u
#define $NET_OFFSET_MAX ${largest}u
#define $NET_FULL_RANGE $full
#define $NET_SUM_PLANES ${sum}u
#define $NET_WIDE_PLANES ${wide}u
#define $NET_GROUP_SIZE ${group}u
#define $NET_REINFORCEMENT $reinforcement
#define $NET_START_IS_DRAWN $drawn
#define $NET_GAP_STRIDE ${stride}u
#define $NET_LONGEST_GAP ${longest}u
#define $NET_SEED_LOW ${low}
#define $NET_SEED_HIGH ${high}
#define $NET_START_STEP $step

//: counters

/* Lower bit planes of the exported counters. */
$tables

//: classifiers
/* Local classifiers of the other layers. */
$tables

//: classifiers beside a readout
/* Local classifiers, from which layers learn. */
$tables

//: gaps
/* The law of the gaps between reinforced synapses: every ${stride}th entry. */
$tables

//: header
/* How a state of this model begins. */
$table

//: functions
int $net_init($net_ctx *ctx) {
    if (ctx == NULL) {
        return $NET_ERROR_NULL;
    }
    memset(ctx, 0, sizeof(*ctx));
    $start
    $copy
    ctx->step = $NET_START_STEP;
    return $NET_OK;
}

/* Steps 6 and 7 for all layers. */
static void $net_close_batch($net_ctx *ctx) {
    $updates
    $readout
    ctx->count = 0u;
    ++ctx->step;
}

int $net_learn($net_ctx *ctx, const $net_feature_t *features, int label) {
    $out
    size_t s;
    if ((ctx == NULL) || (features == NULL)) {
        return $NET_ERROR_NULL;
    }
    if ((label < 0) || (label >= $NET_N_CLASSES)) {
        return $NET_ERROR_LABEL;
    }
    s = ctx->count;
    $net_encode(features, &ctx->in_1[s * ${row}u]);
    $presents
    $rival
    ctx->labels[s] = ($net_label_t)label;
    ++ctx->count;
    if (ctx->count == $NET_BATCH_SIZE) {
        $net_close_batch(ctx);
    }
    return $NET_OK;
}

int $net_flush($net_ctx *ctx) {
    if (ctx == NULL) {
        return $NET_ERROR_NULL;
    }
    if (ctx->count > 0u) {
        $net_close_batch(ctx);
    }
    return $NET_OK;
}

int $net_ctx_logits(const $net_ctx *ctx, const $net_feature_t *features, int32_t *logits) {
    uint32_t even[${even}u];
    uint32_t odd[${odd}u]$empty;
    if ((ctx == NULL) || (features == NULL) || (logits == NULL)) {
        return $NET_ERROR_NULL;
    }
    $net_encode(features, even);
    $layers
    $answer
    return $NET_OK;
}

int $net_ctx_predict(const $net_ctx *ctx, const $net_feature_t *features) {
    int32_t logits[$NET_N_CLASSES];
    const int error = $net_ctx_logits(ctx, features, logits);
    return error < 0 ? error : $net_winner(logits);
}

//: draw
$net_draw(ctx->sign_$n, ctx->low_$n, ${inputs}u, ${neurons}u, $stream);

//: copy
$net_copy(ctx->sign_$n, $net_w_$n, ${signs}u);
$net_copy(ctx->low_$n, $net_low_$n, ${lows}u);

//: present
if ($net_present(ctx->sign_$n, $net_p_$n, ${inputs}u, ${neurons}u, $margin, (size_t)label,
                 &ctx->in_$n[s * ${row}u], $out, &ctx->chosen_$n[s * ${groups}u])) {
    ctx->teaches[$index] = 1u;
}

//: local out
uint32_t out[${outputs}u];

//: rival
$net_read_out_ram(ctx->readout, ${neurons}u, &ctx->out[s * ${outputs}u], logits);
ctx->rivals[s] = $net_rival(logits, (size_t)label, $margin);

//: logits
int32_t logits[$NET_N_CLASSES];

//: readout
$net_update_readout(ctx->readout, ${neurons}u, ctx->out, ctx->rivals, ctx->labels, ctx->count);

//: copy readout
$net_start_readout(ctx->readout, $net_r, ${entries}u);

//: read out
$net_read_out_ram(ctx->readout, ${neurons}u, $result, logits);

//: out of all
&ctx->out[s * ${words}u]

//: out
&ctx->in_$n[s * ${words}u]

//: update
if (ctx->teaches[$index] != 0u) {
    $net_update(ctx->sign_$n, ctx->low_$n, $net_p_$n, ${inputs}u, ${neurons}u, ctx->in_$n, ctx->chosen_$n, ctx->labels,
                ctx->count);
    $reinforce
    ctx->teaches[$index] = 0u;
}

//: reinforce
$net_reinforce(ctx->sign_$n, ctx->low_$n, ${inputs}u, ${neurons}u, $net_gaps_$n, ${entries}u,
               $q, ctx->step, $stream);

//: layer
$net_layer_ram(ctx->sign_$n, ${inputs}u, ${neurons}u, $source, $target);
