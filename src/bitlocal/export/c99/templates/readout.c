//: infer
/* Logits of a learned readout: a class's integers, added where the activation is +1, subtracted where it is -1. */
static void $net_read_out_rom(const int16_t *r, size_t n_neurons, const uint32_t *activations, int32_t *logits) {
    size_t c;
    for (c = 0u; c < (size_t)$NET_N_CLASSES; ++c) {
        const int16_t *row = &r[c * n_neurons];
        uint32_t word = 0u;
        int32_t sum = 0;
        size_t k;
        for (k = 0u; k < n_neurons; ++k) {
            const int32_t value = $NET_ROM_I16(&row[k]);
            word = k % 32u == 0u ? activations[k / 32u] : word >> 1;
            sum += (word & 1u) != 0u ? value : -value;
        }
        logits[c] = sum;
    }
}

//: learn
#if defined(__AVR__)
/* As $net_read_out_rom, with integers in RAM. */
static void $net_read_out_ram(const int16_t *r, size_t n_neurons, const uint32_t *activations, int32_t *logits) {
    size_t c;
    for (c = 0u; c < (size_t)$NET_N_CLASSES; ++c) {
        const int16_t *row = &r[c * n_neurons];
        uint32_t word = 0u;
        int32_t sum = 0;
        size_t k;
        for (k = 0u; k < n_neurons; ++k) {
            const int32_t value = row[k];
            word = k % 32u == 0u ? activations[k / 32u] : word >> 1;
            sum += (word & 1u) != 0u ? value : -value;
        }
        logits[c] = sum;
    }
}
#else
#define $net_read_out_ram $net_read_out_rom
#endif

/* The other class with the largest logit, counted from 1, if the label's does not lead it by the margin; else 0. */
static $net_rival_t $net_rival(const int32_t *logits, size_t label, int32_t margin) {
    size_t best = label == 0u ? 1u : 0u;
    size_t c;
    for (c = best + 1u; c < (size_t)$NET_N_CLASSES; ++c) {
        if ((c != label) && (logits[c] > logits[best])) {
            best = c;
        }
    }
    return ($net_rival_t)(logits[label] - logits[best] < margin ? best + 1u : 0u);
}

/* A learned readout learns from the mini-batch: a sample that has a rival adds its activations to its class's row, and
 * takes them from the rival's. Each integer is clamped once. */
static void $net_update_readout(int16_t *r, size_t n_neurons, const uint32_t *activations, const $net_rival_t *rivals,
                                const $net_label_t *labels, size_t n_samples) {
    const size_t n_words = $NET_WORDS(n_neurons);
    $net_member members[$NET_BATCH_SIZE];
    size_t c;
    for (c = 0u; c < (size_t)$NET_N_CLASSES; ++c) {
        int16_t *row = &r[c * n_neurons];
        size_t n_members = 0u;
        size_t s;
        size_t k;
        for (s = 0u; s < n_samples; ++s) {
            const int own = (size_t)labels[s] == c;
            if ((rivals[s] != 0u) && (own || ((size_t)rivals[s] == c + 1u))) {
                members[n_members].in = &activations[s * n_words];
                members[n_members].flip = own ? UINT32_C(0) : UINT32_MAX;
                ++n_members;
            }
        }
        for (k = 0u; (n_members > 0u) && (k < n_neurons); ++k) {
            int32_t value = row[k];
            for (s = 0u; s < n_members; ++s) {
                value += (((members[s].in[k / 32u] ^ members[s].flip) >> (k % 32u)) & 1u) != 0u ? 1 : -1;
            }
            if (value > INT16_MAX) {
                value = INT16_MAX;
            }
            if (value < INT16_MIN) {
                value = INT16_MIN;
            }
            row[k] = (int16_t)value;
        }
    }
}

static void $net_start_readout(int16_t *to, const int16_t *from, size_t n) {
    size_t i;
    for (i = 0u; i < n; ++i) {
        to[i] = $NET_ROM_I16(&from[i]);
    }
}

//: state
/* The learned readout in a state: integers of 2 bytes, row after row. */
static uint8_t *$net_put_readout(uint8_t *bytes, const int16_t *r, size_t n) {
    size_t i;
    for (i = 0u; i < n; ++i) {
        const uint32_t value = (uint32_t)r[i];
        bytes[2u * i] = (uint8_t)(value & 0xFFu);
        bytes[2u * i + 1u] = (uint8_t)((value >> 8) & 0xFFu);
    }
    return &bytes[2u * n];
}

static const uint8_t *$net_get_readout(const uint8_t *bytes, int16_t *r, size_t n) {
    size_t i;
    for (i = 0u; i < n; ++i) {
        const int32_t value = (int32_t)(bytes[2u * i] | ((uint32_t)bytes[2u * i + 1u] << 8));
        r[i] = (int16_t)(value > INT16_MAX ? value - 65536 : value);
    }
    return &bytes[2u * n];
}
