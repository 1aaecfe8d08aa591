// Arbitrary bytes as a state of an exported model: bmlp_load takes what bmlp_save could have written and nothing else,
// and what it refuses changes nothing. tools/fuzz/run.py exports a model and builds this against it.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bmlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
    if (!condition) {
        abort();
    }
}

static void put_checksum(uint8_t *blob) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < BMLP_STATE_SIZE - 4u; ++i) {
        crc ^= blob[i];
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1) ^ ((crc & 1u) != 0u ? UINT32_C(0xEDB88320) : 0u);
        }
    }
    crc = ~crc;
    for (size_t i = 0; i < 4; ++i) {
        blob[BMLP_STATE_SIZE - 4u + i] = (uint8_t)((crc >> (8u * i)) & 0xFFu);
    }
}

// Loads into a context that has learnt something, whose content must survive what is refused.
static void load(const uint8_t *bytes, size_t size) {
    static bmlp_ctx ctx;
    static bmlp_ctx before;
    static uint8_t again[BMLP_STATE_SIZE];
    const bmlp_feature_t features[BMLP_N_FEATURES] = {0};
    require(bmlp_init(&ctx) == BMLP_OK);
    require(bmlp_learn(&ctx, features, 1) == BMLP_OK);
    before = ctx;
    uint8_t *exact = malloc(size);  // of exactly this size, so that a byte read beyond its end is noticed
    require(exact != NULL || size == 0);
    if (size > 0) {
        memcpy(exact, bytes, size);
    }
    const int result = bmlp_load(&ctx, exact, size);
    free(exact);
    if (result != BMLP_OK) {
        require(result == BMLP_ERROR_SIZE || result == BMLP_ERROR_STATE || (result == BMLP_ERROR_NULL && size == 0));
        require(memcmp(&ctx, &before, sizeof(ctx)) == 0);
        return;
    }
    require(size == BMLP_STATE_SIZE);
    require(bmlp_save(&ctx, again, sizeof(again)) == BMLP_OK);
    require(memcmp(again, bytes, size) == 0);
    const int winner = bmlp_ctx_predict(&ctx, features);
    require(winner >= 0 && winner < BMLP_N_CLASSES);
    require(bmlp_learn(&ctx, features, 0) == BMLP_OK);
    require(bmlp_flush(&ctx) == BMLP_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    load(data, size);
    // Few inputs would have the right checksum: the same bytes in place of part of a valid state, and the checksum made
    // to fit, once with and once without its header.
    static bmlp_ctx ctx;
    static uint8_t blob[BMLP_STATE_SIZE];
    for (size_t first = 0; first <= 24; first += 24) {
        require(bmlp_init(&ctx) == BMLP_OK);
        require(bmlp_save(&ctx, blob, sizeof(blob)) == BMLP_OK);
        const size_t room = sizeof(blob) - 4u - first;
        if (size > 0) {
            memcpy(&blob[first], data, size < room ? size : room);
        }
        put_checksum(blob);
        load(blob, sizeof(blob));
    }
    return 0;
}
