/* Counters lie in bit planes: plane i of a word holds bit i of the counters of 32 synapses, plus 2^(planes - 1), so
 * that the highest plane is set where the counter is not negative, and is the binary weight. It lies apart, as the
 * weights of inference do; the lower planes of a word lie together. */
#define $NET_LOW_PLANES ($NET_PLANES - 1u)
/* Bit i of a number, in all 32 lanes. */
#define $NET_SPREAD(number, i) (((((uint32_t)(number)) >> (i)) & 1u) != 0u ? UINT32_MAX : UINT32_C(0))

/* The lanes of word w that hold bits, in a row of n_bits. */
static uint32_t $net_lanes(size_t n_bits, size_t w) {
    const size_t rest = n_bits - 32u * w;
    return rest >= 32u ? UINT32_MAX : (UINT32_C(1) << rest) - 1u;
}

#if defined(__AVR__)
/* As $net_product_rom and $net_layer_rom, with weights in RAM. */
static int32_t $net_product_ram(const uint32_t *row, const uint32_t *in, size_t n_bits) {
    const size_t n_words = $NET_WORDS(n_bits);
    uint32_t differ = 0u;
    size_t w;
    for (w = 0u; w < n_words; ++w) {
        const uint32_t word = row[w] ^ in[w];
        differ += $NET_POPCOUNT32(word);
    }
    return (int32_t)n_bits - (int32_t)(2u * differ);
}

static void $net_layer_ram(const uint32_t *weights, size_t n_inputs, size_t n_neurons, const uint32_t *in,
                           uint32_t *out) {
    uint32_t word = 0u;
    size_t k;
    for (k = 0u; k < n_neurons; ++k) {
        if ($net_product_ram(&weights[k * $NET_WORDS(n_inputs)], in, n_inputs) >= 0) {
            word |= UINT32_C(1) << (k % 32u);
        }
        if ((k % 32u == 31u) || (k + 1u == n_neurons)) {
            out[k / 32u] = word;
            word = 0u;
        }
    }
}
#else
#define $net_product_ram $net_product_rom
#define $net_layer_ram $net_layer_rom
#endif

/* Whether the sample teaches: it is misclassified, or its class does not lead by the margin. */
static int $net_teaches(const int32_t *logits, size_t label, int32_t margin) {
    const size_t best = (size_t)$net_winner(logits);
    int32_t second = INT32_MIN;
    size_t c;
    for (c = 0u; c < (size_t)$NET_N_CLASSES; ++c) {
        if ((c != best) && (logits[c] > second)) {
            second = logits[c];
        }
    }
    return (best != label) || (logits[best] - second < margin);
}

/* Steps 1 to 5 of the rule for one sample and one layer: activations, error signal, and the neuron to update in each
 * group, counted from 1, or 0 where there is none. `p` is the layer's local classifier. Tells whether it teaches. */
static int $net_present(const uint32_t *weights, const uint32_t *p, size_t n_inputs, size_t n_neurons, int32_t margin,
                        size_t label, const uint32_t *in, uint32_t *out, $net_choice_t *chosen) {
    const uint32_t *desired = &p[label * $NET_WORDS(n_neurons)];
    const size_t n_groups = n_neurons / $NET_GROUP_SIZE;
    int32_t logits[$NET_N_CLASSES];
    uint32_t word = 0u;
    uint32_t desired_word = 0u;
    size_t k = 0u;
    size_t g;
    for (g = 0u; g < n_groups; ++g) {
        int32_t least = INT32_MAX;
        size_t choice = 0u;
        size_t i;
        for (i = 1u; i <= $NET_GROUP_SIZE; ++i) {
            int32_t z = $net_product_ram(&weights[k * $NET_WORDS(n_inputs)], in, n_inputs);
            if (k % 32u == 0u) {
                desired_word = $NET_ROM_U32(&desired[k / 32u]);
            }
            if (z >= 0) {
                word |= UINT32_C(1) << (k % 32u);
            }
            if (((desired_word >> (k % 32u)) & 1u) != 0u) {
                z = -z;
            }
            if ((z > 0) && (z < least)) { /* wrong, by this much */
                least = z;
                choice = i;
            }
            ++k;
            if ((k % 32u == 0u) || (k == n_neurons)) {
                out[(k - 1u) / 32u] = word;
                word = 0u;
            }
        }
        chosen[g] = ($net_choice_t)choice;
    }
    $net_vote(p, n_neurons, out, logits);
    if ($net_teaches(logits, label, margin)) {
        return 1;
    }
    memset(chosen, 0, n_groups * sizeof(*chosen));
    return 0;
}

/* Loops over bit planes are short, and most of what learning does. */
#if defined(__GNUC__) && !defined(__clang__) && (__GNUC__ >= 8) && !defined(__OPTIMIZE_SIZE__)
#define $NET_UNROLLED _Pragma("GCC unroll 32")
#else
#define $NET_UNROLLED
#endif

/* Moves the counters of the lanes in `active` up by 1 where `up` is set and down where it is not, within the bounds. */
static void $net_move(uint32_t *sign, uint32_t *low, uint32_t up, uint32_t active) {
    uint32_t carry = active;
    uint32_t plane;
    size_t i;
#if !$NET_FULL_RANGE
    uint32_t at_bound = UINT32_MAX; /* the bound on the side to which a lane would move */
    for (i = 0u; i < $NET_LOW_PLANES; ++i) {
        const uint32_t bound = ($NET_SPREAD($NET_OFFSET_MAX, i) & up) | ($NET_SPREAD($NET_OFFSET_MIN, i) & ~up);
        at_bound &= ~(low[i] ^ bound);
    }
    plane =
        ($NET_SPREAD($NET_OFFSET_MAX, $NET_LOW_PLANES) & up) | ($NET_SPREAD($NET_OFFSET_MIN, $NET_LOW_PLANES) & ~up);
    carry &= ~(at_bound & ~(*sign ^ plane));
#endif
    $NET_UNROLLED
    for (i = 0u; i < $NET_LOW_PLANES; ++i) {
        if (carry == 0u) {
            return;
        }
        plane = low[i];
        low[i] = plane ^ carry;
        carry &= ~(plane ^ up); /* a 1 carries on the way up, a 0 borrows on the way down */
    }
    plane = *sign;
    *sign = plane ^ carry;
    carry &= ~(plane ^ up);
#if $NET_FULL_RANGE
    if (carry != 0u) { /* these ran over the end of the range: back to it */
        for (i = 0u; i < $NET_LOW_PLANES; ++i) {
            low[i] = (low[i] & ~carry) | (up & carry);
        }
        *sign = (*sign & ~carry) | (up & carry);
    }
#endif
}

/* A sample of the mini-batch that chose the neuron at hand. */
typedef struct {
    const uint32_t *in;
    uint32_t flip; /* all ones where the desired activation is -1 */
} $net_member;

#if $NET_BATCH_SIZE > 1
/* The same for several samples that chose one neuron, as one sum that is clamped once: word w of its row. */
static void $net_move_by_sum(uint32_t *sign, uint32_t *low, const $net_member *members, size_t n_members, size_t w,
                             uint32_t lanes) {
    uint32_t ups[$NET_SUM_PLANES] = {0u}; /* bit planes: how many of the samples move a synapse up */
    uint32_t sum[$NET_WIDE_PLANES];       /* the counter plus twice that less n_members, in two's complement */
    uint32_t carry = 0u;
    uint32_t below;
    uint32_t above;
    size_t i;
    size_t m;
    for (m = 0u; m < n_members; ++m) {
        uint32_t up = members[m].in[w] ^ members[m].flip;
        for (i = 0u; (i < $NET_SUM_PLANES) && (up != 0u); ++i) {
            const uint32_t plane = ups[i];
            ups[i] = plane ^ up;
            up &= plane;
        }
    }
    $NET_UNROLLED
    for (i = 0u; i < $NET_WIDE_PLANES; ++i) {
        const uint32_t a = i < $NET_LOW_PLANES ? low[i] : (i == $NET_LOW_PLANES ? *sign : 0u);
        const uint32_t b = ((i > 0u) && (i <= $NET_SUM_PLANES)) ? ups[i - 1u] : 0u;
        const uint32_t either = a ^ b;
        sum[i] = either ^ carry;
        carry = (a & b) | (either & carry);
    }
    carry = 0u;
    $NET_UNROLLED
    for (i = 0u; i < $NET_WIDE_PLANES; ++i) {
        const uint32_t a = sum[i];
        const uint32_t b = $NET_SPREAD(n_members, i);
        sum[i] = a ^ b ^ carry;
        carry = (~a & (b | carry)) | (b & carry);
    }
#if $NET_FULL_RANGE
    below = sum[$NET_WIDE_PLANES - 1u];
    above = 0u;
    for (i = $NET_PLANES; i < $NET_WIDE_PLANES; ++i) {
        above |= sum[i];
    }
    above &= ~below;
#else
    below = 0u; /* the borrow of sum - least, then that of largest - sum; both are signs once the last plane is done */
    above = 0u;
    $NET_UNROLLED
    for (i = 0u; i < $NET_WIDE_PLANES; ++i) {
        const uint32_t a = i + 1u < $NET_WIDE_PLANES ? sum[i] : ~sum[i]; /* signs compare the other way round */
        const uint32_t top = i + 1u < $NET_WIDE_PLANES ? UINT32_C(0) : UINT32_MAX;
        const uint32_t least = $NET_SPREAD($NET_OFFSET_MIN, i) ^ top;
        const uint32_t largest = $NET_SPREAD($NET_OFFSET_MAX, i) ^ top;
        below = (~a & least) | (~(a ^ least) & below);
        above = (~largest & a) | (~(largest ^ a) & above);
    }
#endif
    $NET_UNROLLED
    for (i = 0u; i < $NET_PLANES; ++i) {
        const uint32_t plane = lanes & ((sum[i] & ~(below | above)) | ($NET_SPREAD($NET_OFFSET_MIN, i) & below) |
                                        ($NET_SPREAD($NET_OFFSET_MAX, i) & above));
        if (i < $NET_LOW_PLANES) {
            low[i] = plane;
        } else {
            *sign = plane;
        }
    }
}
#endif

/* Step 6: the neurons that samples of the mini-batch chose. Uses `chosen` up. */
static void $net_update(uint32_t *signs, uint32_t *lows, const uint32_t *p, size_t n_inputs, size_t n_neurons,
                        const uint32_t *inputs, $net_choice_t *chosen, const $net_label_t *labels, size_t n_samples) {
    const size_t n_words = $NET_WORDS(n_inputs);
    const size_t n_groups = n_neurons / $NET_GROUP_SIZE;
    $net_member members[$NET_BATCH_SIZE];
    size_t g;
    for (g = 0u; g < n_groups; ++g) {
        size_t s;
        for (s = 0u; s < n_samples; ++s) {
            const $net_choice_t choice = chosen[s * n_groups + g];
            if (choice != 0u) {
                const size_t k = g * $NET_GROUP_SIZE + (size_t)choice - 1u;
                uint32_t *sign = &signs[k * n_words];
                uint32_t *low = &lows[k * n_words * $NET_LOW_PLANES];
                size_t n_members = 0u;
                size_t t;
                size_t w;
                for (t = s; t < n_samples; ++t) {
                    if (chosen[t * n_groups + g] == choice) {
                        const size_t at = (size_t)labels[t] * $NET_WORDS(n_neurons) + k / 32u;
                        chosen[t * n_groups + g] = 0u;
                        members[n_members].in = &inputs[t * n_words];
                        members[n_members].flip = (($NET_ROM_U32(&p[at]) >> (k % 32u)) & 1u) - 1u;
                        ++n_members;
                    }
                }
                for (w = 0u; w < n_words; ++w) {
                    uint32_t lanes = $net_lanes(n_inputs, w);
                    const uint32_t up = members[0].in[w] ^ members[0].flip;
#if $NET_BATCH_SIZE > 1
                    if (n_members > 2u) {
                        $net_move_by_sum(&sign[w], &low[w * $NET_LOW_PLANES], members, n_members, w, lanes);
                        continue;
                    }
                    if (n_members == 2u) { /* two moves where they agree, none where they do not */
                        lanes &= ~(up ^ members[1].in[w] ^ members[1].flip);
                        $net_move(&sign[w], &low[w * $NET_LOW_PLANES], up, lanes);
                    }
#endif
                    $net_move(&sign[w], &low[w * $NET_LOW_PLANES], up, lanes);
                }
            }
        }
    }
}

#if $NET_REINFORCEMENT || $NET_START_IS_DRAWN
/* Philox4x32-10 (Salmon et al., 2011): a block of four random words, a function of key (the seed) and counter alone. */
static void $net_philox(uint32_t block, uint32_t row, uint32_t step, uint32_t stream, uint32_t *out) {
    uint32_t k0 = $NET_SEED_LOW;
    uint32_t k1 = $NET_SEED_HIGH;
    uint32_t c0 = block;
    uint32_t c1 = row;
    uint32_t c2 = step;
    uint32_t c3 = stream;
    int round;
    for (round = 0; round < 10; ++round) {
        const uint64_t product0 = (uint64_t)c0 * UINT32_C(0xD2511F53);
        const uint64_t product1 = (uint64_t)c2 * UINT32_C(0xCD9E8D57);
        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)product1;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)product0;
        k0 += UINT32_C(0x9E3779B9);
        k1 += UINT32_C(0xBB67AE85);
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}
#endif

#if $NET_START_IS_DRAWN
/* The counters with which training begins: sums of twelve numbers of 5 bits, less 186, less one bit; within the bounds.
 * The planes are zero before. */
static void $net_draw(uint32_t *signs, uint32_t *lows, size_t n_inputs, size_t n_neurons, uint32_t stream) {
    const int32_t offset = INT32_C(1) << $NET_LOW_PLANES;
    size_t k;
    for (k = 0u; k < n_neurons; ++k) {
        uint32_t *sign = &signs[k * $NET_WORDS(n_inputs)];
        uint32_t *low = &lows[k * $NET_WORDS(n_inputs) * $NET_LOW_PLANES];
        uint32_t random[4] = {0u};
        size_t j;
        for (j = 0u; j < n_inputs; ++j) {
            const size_t half = 2u * (j % 2u);
            uint64_t bits;
            int32_t h = offset - 186;
            size_t i;
            if (half == 0u) {
                $net_philox((uint32_t)(j / 2u), (uint32_t)k, 0u, stream, random);
            }
            bits = ((uint64_t)random[half + 1u] << 32) | random[half];
            for (i = 0u; i < 12u; ++i) {
                h += (int32_t)(bits & 31u);
                bits >>= 5;
            }
            h -= (int32_t)(bits & 1u);
            if (h < (int32_t)$NET_OFFSET_MIN) {
                h = (int32_t)$NET_OFFSET_MIN;
            }
            if (h > (int32_t)$NET_OFFSET_MAX) {
                h = (int32_t)$NET_OFFSET_MAX;
            }
            for (i = 0u; i < $NET_LOW_PLANES; ++i) {
                low[j / 32u * $NET_LOW_PLANES + i] |= (((uint32_t)h >> i) & 1u) << (j % 32u);
            }
            sign[j / 32u] |= (((uint32_t)h >> $NET_LOW_PLANES) & 1u) << (j % 32u);
        }
    }
}
#else
static void $net_copy(uint32_t *to, const uint32_t *from, size_t n_words) {
    size_t w;
    for (w = 0u; w < n_words; ++w) {
        to[w] = $NET_ROM_U32(&from[w]);
    }
}
#endif

#if $NET_REINFORCEMENT
/* The gap that a random word stands for: how many of S[1] ... S[longest] exceed it, where S[g] / 2^64 is the
 * probability that a gap is at least g. `survival` has every $NET_GAP_STRIDE-th of them, from S[1] on; S[g + 1] = S[g]
 * * q / 2^32. */
static size_t $net_gap(uint64_t random, const uint64_t *survival, size_t n_entries, uint32_t q, size_t longest) {
    size_t from = 0u;
    size_t to = n_entries;
    size_t gap;
    uint64_t s;
    while (from < to) { /* entries before `from` exceed it, those from `to` on do not */
        const size_t middle = from + (to - from) / 2u;
        if ($NET_ROM_U64(&survival[middle]) > random) {
            from = middle + 1u;
        } else {
            to = middle;
        }
    }
    if (from == 0u) {
        return 0u;
    }
    gap = (from - 1u) * $NET_GAP_STRIDE + 1u;
    s = $NET_ROM_U64(&survival[from - 1u]);
    while (gap < longest) {
        s = (uint64_t)(uint32_t)(s >> 32) * q + (((uint64_t)(uint32_t)s * q) >> 32);
        if (s <= random) {
            break;
        }
        ++gap;
    }
    return gap;
}

/* Step 7 for one layer: random synapses move away from zero. */
static void $net_reinforce(uint32_t *signs, uint32_t *lows, size_t n_inputs, size_t n_neurons, const uint64_t *survival,
                           size_t n_entries, uint32_t q, uint32_t step, uint32_t stream) {
    const size_t n_words = $NET_WORDS(n_inputs);
    const size_t longest = n_inputs < $NET_LONGEST_GAP ? n_inputs : $NET_LONGEST_GAP;
    size_t k;
    for (k = 0u; k < n_neurons; ++k) {
        uint32_t *sign = &signs[k * n_words];
        uint32_t *low = &lows[k * n_words * $NET_LOW_PLANES];
        uint32_t random[4];
        uint32_t block = 0u;
        size_t half = 2u;
        size_t j = 0u;
        size_t w = 0u; /* the word at hand, and its synapses to move */
        uint32_t lanes = 0u;
        for (;;) {
            size_t gap;
            if (half == 2u) {
                $net_philox(block, (uint32_t)k, step, stream, random);
                ++block;
                half = 0u;
            }
            gap =
                $net_gap(((uint64_t)random[2u * half + 1u] << 32) | random[2u * half], survival, n_entries, q, longest);
            ++half;
            if (gap >= n_inputs - j) {
                break;
            }
            j += gap;
            if (gap < $NET_LONGEST_GAP) {
                if (j / 32u != w) {
                    $net_move(&sign[w], &low[w * $NET_LOW_PLANES], sign[w], lanes);
                    w = j / 32u;
                    lanes = 0u;
                }
                lanes |= UINT32_C(1) << (j % 32u);
                ++j;
                if (j == n_inputs) {
                    break;
                }
            }
        }
        $net_move(&sign[w], &low[w * $NET_LOW_PLANES], sign[w], lanes);
    }
}
#endif
