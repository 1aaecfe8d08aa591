//: functions
int $net_save(const $net_ctx *ctx, uint8_t *blob, size_t size) {
    uint8_t *at = blob;
    size_t i;
    if ((ctx == NULL) || (blob == NULL)) {
        return $NET_ERROR_NULL;
    }
    if (size != $NET_STATE_SIZE) {
        return $NET_ERROR_SIZE;
    }
    if (ctx->count > 0u) {
        return $NET_ERROR_BATCH;
    }
    for (i = 0u; i < $NET_STATE_STEP; ++i) {
        blob[i] = $NET_ROM_U8(&$net_state_header[i]);
    }
    $net_put_word(&blob[$NET_STATE_STEP], ctx->step);
    at = &blob[$NET_STATE_HEADER];
    $puts
    $readout
    $net_put_word(at, $net_crc32(blob, $NET_STATE_SIZE - 4u));
    return $NET_OK;
}

int $net_load($net_ctx *ctx, const uint8_t *blob, size_t size) {
    const uint8_t *at = blob;
    size_t i;
    if ((ctx == NULL) || (blob == NULL)) {
        return $NET_ERROR_NULL;
    }
    if (size != $NET_STATE_SIZE) {
        return $NET_ERROR_SIZE;
    }
    for (i = 0u; i < $NET_STATE_STEP; ++i) {
        if (blob[i] != $NET_ROM_U8(&$net_state_header[i])) {
            return $NET_ERROR_STATE;
        }
    }
    if (($net_get_word(&blob[$NET_STATE_SIZE - 4u]) != $net_crc32(blob, $NET_STATE_SIZE - 4u))$checks) {
        return $NET_ERROR_STATE;
    }
    memset(ctx, 0, sizeof(*ctx));
    ctx->step = $net_get_word(&blob[$NET_STATE_STEP]);
    at = &blob[$NET_STATE_HEADER];
    $gets
    $got
    return $NET_OK;
}

//: put
at = $net_put_words(at, ctx->sign_$n, ${signs}u);
at = $net_put_words(at, ctx->low_$n, ${lows}u);

//: put readout
at = $net_put_readout(at, ctx->readout, ${entries}u);

//: get readout
at = $net_get_readout(at, ctx->readout, ${entries}u);

//: get
at = $net_get_words(at, ctx->sign_$n, ${signs}u);
at = $net_get_words(at, ctx->low_$n, ${lows}u);

//: check
|| !$net_planes_valid(&blob[${sign}u], &blob[${low}u], ${inputs}u, ${neurons}u)
