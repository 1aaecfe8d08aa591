/* A state blob, all little-endian: magic (4 bytes), format (1), layers (1), planes (1), 0 (1), which model (16),
 * mini-batches (4), then layer by layer the highest planes and the lower planes in words of 4 bytes, and a CRC-32 of
 * all before (4). */
#define $NET_STATE_HEADER 28u
#define $NET_STATE_STEP 24u

static uint32_t $net_crc32(const uint8_t *bytes, size_t size) {
    static const uint32_t table[16] $NET_ROM = {
        UINT32_C(0x00000000), UINT32_C(0x1DB71064), UINT32_C(0x3B6E20C8), UINT32_C(0x26D930AC),
        UINT32_C(0x76DC4190), UINT32_C(0x6B6B51F4), UINT32_C(0x4DB26158), UINT32_C(0x5005713C),
        UINT32_C(0xEDB88320), UINT32_C(0xF00F9344), UINT32_C(0xD6D6A3E8), UINT32_C(0xCB61B38C),
        UINT32_C(0x9B64C2B0), UINT32_C(0x86D3D2D4), UINT32_C(0xA00AE278), UINT32_C(0xBDBDF21C)};
    uint32_t crc = UINT32_MAX;
    size_t i;
    for (i = 0u; i < size; ++i) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ $NET_ROM_U32(&table[crc & 15u]);
        crc = (crc >> 4) ^ $NET_ROM_U32(&table[crc & 15u]);
    }
    return ~crc;
}

static void $net_put_word(uint8_t *bytes, uint32_t word) {
    bytes[0] = (uint8_t)(word & 0xFFu);
    bytes[1] = (uint8_t)((word >> 8) & 0xFFu);
    bytes[2] = (uint8_t)((word >> 16) & 0xFFu);
    bytes[3] = (uint8_t)((word >> 24) & 0xFFu);
}

static uint32_t $net_get_word(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8) | ((uint32_t)bytes[2] << 16) | ((uint32_t)bytes[3] << 24);
}

static uint8_t *$net_put_words(uint8_t *bytes, const uint32_t *words, size_t n_words) {
    size_t w;
    for (w = 0u; w < n_words; ++w) {
        $net_put_word(&bytes[4u * w], words[w]);
    }
    return &bytes[4u * n_words];
}

static const uint8_t *$net_get_words(const uint8_t *bytes, uint32_t *words, size_t n_words) {
    size_t w;
    for (w = 0u; w < n_words; ++w) {
        words[w] = $net_get_word(&bytes[4u * w]);
    }
    return &bytes[4u * n_words];
}

/* Whether a layer's planes in a blob are such as learning leaves: nothing where no synapse is, all counters in bounds.
 */
static int $net_planes_valid(const uint8_t *signs, const uint8_t *lows, size_t n_inputs, size_t n_neurons) {
    const size_t n_words = $NET_WORDS(n_inputs);
    size_t k;
    size_t w;
    for (k = 0u; k < n_neurons; ++k) {
        for (w = 0u; w < n_words; ++w) {
            const size_t at = k * n_words + w;
            const uint32_t lanes = $net_lanes(n_inputs, w);
            uint32_t below = 0u;
            uint32_t above = 0u;
            uint32_t outside = 0u;
            size_t i;
            for (i = 0u; i < $NET_PLANES; ++i) {
                const uint8_t *bytes = i < $NET_LOW_PLANES ? &lows[4u * (at * $NET_LOW_PLANES + i)] : &signs[4u * at];
                const uint32_t plane = $net_get_word(bytes);
                const uint32_t least = $NET_SPREAD($NET_OFFSET_MIN, i);
                const uint32_t largest = $NET_SPREAD($NET_OFFSET_MAX, i);
                below = (~plane & least) | (~(plane ^ least) & below);
                above = (plane & ~largest) | (~(plane ^ largest) & above);
                outside |= plane & ~lanes;
            }
            if ((((below | above) & lanes) | outside) != 0u) {
                return 0;
            }
        }
    }
    return 1;
}
