// Kernels for x86-64 with AVX2: every common processor since Haswell (2013) and Zen (2017).
//
// AVX2 has no vector popcount. A nibble is looked up by a byte shuffle (W. Mula, N. Kurz, D. Lemire, "Faster population
// counts using AVX2 instructions", The Computer Journal 61, 2018), after a tree of carry-save adders has folded eight
// words into one that needs the lookup. Counts per byte are summed into 64-bit lanes by VPSADBW before they can
// overflow.
#include <immintrin.h>

#include <cstring>

#include "kernels/count_nearest.hpp"
#include "kernels/kernels.hpp"
#include "kernels/masked_popcounts.hpp"
#include "kernels/philox_avx2.hpp"

#define BITLOCAL_INLINE [[gnu::always_inline]] inline
#define BITLOCAL_INLINE_LAMBDA __attribute__((always_inline))

namespace bitlocal {
namespace {

static_assert(kLanes == 8, "a block is two vectors of four 64-bit lanes");

inline __m256i load(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
inline void store(void* p, __m256i v) {
    _mm256_storeu_si256(static_cast<__m256i*>(p), v);
}

// popcount of each byte
inline __m256i popcount_u8x32(__m256i v) {
    const __m256i lut = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2,
                                         2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(0x0F);
    return _mm256_add_epi8(_mm256_shuffle_epi8(lut, _mm256_and_si256(v, low)),
                           _mm256_shuffle_epi8(lut, _mm256_and_si256(_mm256_srli_epi16(v, 4), low)));
}

// a + b + c = 2 * result + a', bit by bit.
inline __m256i carry_save_add(__m256i& a, __m256i b, __m256i c) {
    const __m256i sum = _mm256_xor_si256(b, c);
    const __m256i high = _mm256_or_si256(_mm256_and_si256(b, c), _mm256_and_si256(a, sum));
    a = _mm256_xor_si256(a, sum);
    return high;
}

// Running popcounts of four neurons, 2^kDepth words a step. next() gives the next word.
template <std::size_t kDepth>
struct Counter {
    static_assert(kDepth == 2 || kDepth == 3);
    // levels[i] holds bits that count 2^i; carry<kLevel> adds 2^kLevel words to the first kLevel levels and returns
    // what does not fit there and counts 2^kLevel.
    __m256i levels[3] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    __m256i counts_u8x32 = _mm256_setzero_si256();  // in units of 2^kDepth, a byte each
    __m256i total_u64x4 = _mm256_setzero_si256();   // in the same units

    template <std::size_t kLevel, class Next>
    BITLOCAL_INLINE __m256i carry(const Next& next) {
        if constexpr (kLevel == 0) {
            return next();
        } else {
            const __m256i x = carry<kLevel - 1>(next);
            const __m256i y = carry<kLevel - 1>(next);
            return carry_save_add(levels[kLevel - 1], x, y);
        }
    }
    // At the beginning, when the levels are empty: the words beyond whole steps.
    template <std::size_t kRest, class Next>
    BITLOCAL_INLINE void start(const Next& next) {
        if (kRest & 1) levels[0] = carry<0>(next);
        if (kRest & 2) levels[1] = carry<1>(next);
        if (kRest & 4) levels[2] = carry<2>(next);
    }
    template <class Next>
    BITLOCAL_INLINE void step(const Next& next) {
        counts_u8x32 = _mm256_add_epi8(counts_u8x32, popcount_u8x32(carry<kDepth>(next)));
    }
    // A byte of counts_u8x32 grows by at most 8 a step: 31 steps fit.
    static constexpr std::size_t kStepsPerFlush = 31;
    BITLOCAL_INLINE void flush() {
        total_u64x4 = _mm256_add_epi64(total_u64x4, _mm256_sad_epu8(counts_u8x32, _mm256_setzero_si256()));
        counts_u8x32 = _mm256_setzero_si256();
    }
    // The sums, in 64-bit lanes. kFew: without a flush before, for up to 31 words: 8 a byte a word fit.
    static constexpr std::size_t kFewWords = 31;
    template <bool kFew>
    BITLOCAL_INLINE __m256i finish() {
        const auto twice = [](__m256i v) { return _mm256_add_epi8(v, v); };
        __m256i sum_u8x32 = kFew ? counts_u8x32 : _mm256_setzero_si256();
        for (std::size_t i = kDepth; i-- > 0;) sum_u8x32 = _mm256_add_epi8(twice(sum_u8x32), popcount_u8x32(levels[i]));
        const __m256i sum_u64x4 = _mm256_sad_epu8(sum_u8x32, _mm256_setzero_si256());
        return kFew ? sum_u64x4 : _mm256_add_epi64(sum_u64x4, _mm256_slli_epi64(total_u64x4, kDepth));
    }
};

// popcount(W xor a) of the eight neurons of a block, as eight 32-bit integers. word(w, half) is word w of W xor a for
// the first or the last four neurons.
template <std::size_t kDepth, std::size_t kRest, bool kFew, class XorWord>
BITLOCAL_INLINE __m256i disagreements(std::size_t n_words, const XorWord& word) {
    Counter<kDepth> counters[2];
    std::size_t w[2] = {0, 0};
    const auto both = [&](const auto& action) BITLOCAL_INLINE_LAMBDA {
        action(counters[0], [&]() BITLOCAL_INLINE_LAMBDA { return word(w[0]++, 0); });
        action(counters[1], [&]() BITLOCAL_INLINE_LAMBDA { return word(w[1]++, 1); });
    };
    both([](auto& counter, const auto& next) BITLOCAL_INLINE_LAMBDA { counter.template start<kRest>(next); });
    const auto step = [](auto& counter, const auto& next) BITLOCAL_INLINE_LAMBDA { counter.step(next); };
    std::size_t steps = n_words >> kDepth;
    if (kFew && steps > 0) {
        both(step);  // on its own, since adding to an empty level takes fewer instructions
        while (--steps > 0) both(step);
    }
    while (steps > 0) {
        const std::size_t n = smaller(steps, Counter<kDepth>::kStepsPerFlush);
        for (std::size_t i = 0; i < n; ++i) both(step);
        for (auto& counter : counters) counter.flush();
        steps -= n;
    }
    // Narrow the 64-bit lanes: the even 32-bit halves of both vectors, in order.
    const __m256i mixed =
        _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(counters[0].template finish<kFew>()),
                                              _mm256_castsi256_ps(counters[1].template finish<kFew>()), 0b10'00'10'00));
    return _mm256_permute4x64_epi64(mixed, 0b11'01'10'00);
}

template <std::size_t kRest, bool kFew>
void preactivations_of(const Word* weights, std::size_t n_blocks, std::size_t n_words, std::int32_t n_inputs,
                       const Word* const* samples, std::size_t n_samples, std::int32_t* z, std::size_t z_stride) {
    const __m256i all = _mm256_set1_epi32(n_inputs);
    for (std::size_t b = 0; b < n_blocks; ++b) {
        const Word* block = weights + b * n_words * kLanes;  // stays in the cache while the samples pass
        for (std::size_t s = 0; s < n_samples; ++s) {
            const Word* sample = samples[s];
            const __m256i count = disagreements<2, kRest, kFew>(n_words, [=](std::size_t w, std::size_t half) {
                return _mm256_xor_si256(load(block + w * kLanes + half * 4),
                                        _mm256_set1_epi64x(static_cast<long long>(sample[w])));
            });
            store(z + s * z_stride + b * kLanes, _mm256_sub_epi32(all, _mm256_add_epi32(count, count)));
        }
    }
}

void preactivations(const Word* weights, std::size_t n_blocks, std::size_t n_words, std::int32_t n_inputs,
                    const Word* const* samples, std::size_t n_samples, std::int32_t* z, std::size_t z_stride) {
    constexpr decltype(&preactivations_of<0, false>) kByRest[2][4] = {
        {preactivations_of<0, false>, preactivations_of<1, false>, preactivations_of<2, false>,
         preactivations_of<3, false>},
        {preactivations_of<0, true>, preactivations_of<1, true>, preactivations_of<2, true>,
         preactivations_of<3, true>}};
    const auto kernel = kByRest[n_words <= Counter<2>::kFewWords][n_words % 4];
    kernel(weights, n_blocks, n_words, n_inputs, samples, n_samples, z, z_stride);
}

void activations(const std::int32_t* z, std::size_t n_neurons, Word* a) {
    for (std::size_t w = 0; w < words_for(n_neurons); ++w) {
        const std::size_t n = smaller(kWordBits, n_neurons - w * kWordBits);
        Word negative = 0;
        for (std::size_t i = 0; i < n; i += 8) {  // rows of z are padded to whole blocks of 8
            const __m256i v = load(z + w * kWordBits + i);
            negative |= static_cast<Word>(_mm256_movemask_ps(_mm256_castsi256_ps(v))) << i;
        }
        a[w] = ~negative & word_mask(n_neurons, w);
    }
}

// Bits k ... k + 7 of a row; k is a multiple of 8.
inline std::uint32_t eight_bits(const Word* row, std::size_t k) {
    return static_cast<std::uint32_t>(row[k / kWordBits] >> (k % kWordBits)) & 0xFF;
}

void choose(std::int32_t* z, const Word* desired, std::size_t n_groups, std::size_t group_size, std::int32_t* chosen,
            std::size_t chosen_stride) {
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i never = _mm256_set1_epi32(INT32_MAX);
    // z becomes the distance to fix a neuron: |z| of a wrong neuron, `never` of any other.
    const std::size_t n = n_groups * group_size;
    for (std::size_t k = 0; k < n; k += 8) {
        const __m256i bits = _mm256_set1_epi32(static_cast<int>(eight_bits(desired, k)));
        const __m256i negative_wanted = _mm256_cmpeq_epi32(_mm256_and_si256(bits, bit), _mm256_setzero_si256());
        const __m256i v = load(z + k);
        // z * a*: negated where a* = -1 (x ^ -1 - -1 = -x).
        const __m256i stability = _mm256_sub_epi32(_mm256_xor_si256(v, negative_wanted), negative_wanted);
        const __m256i wrong = _mm256_cmpgt_epi32(_mm256_setzero_si256(), stability);
        store(z + k, _mm256_blendv_epi8(never, _mm256_abs_epi32(v), wrong));
    }
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (std::size_t g = 0; g < n_groups; ++g) {
        const std::int32_t* distance = z + g * group_size;
        const auto part = [&](std::size_t i) {  // lanes beyond the group never win
            const __m256i left = _mm256_set1_epi32(static_cast<int>(group_size - i));
            return _mm256_blendv_epi8(never, load(distance + i), _mm256_cmpgt_epi32(left, lane));
        };
        __m256i least = part(0);
        for (std::size_t i = 8; i < group_size; i += 8) least = _mm256_min_epi32(least, part(i));
        least = _mm256_min_epi32(least, _mm256_permute2x128_si256(least, least, 1));
        least = _mm256_min_epi32(least, _mm256_shuffle_epi32(least, 0b01'00'11'10));
        least = _mm256_min_epi32(least, _mm256_shuffle_epi32(least, 0b10'11'00'01));
        std::int32_t place = -1;
        if (_mm256_extract_epi32(least, 0) != INT32_MAX) {
            for (std::size_t i = 0;; i += 8) {  // the first that equals the least; it exists
                const __m256i equal = _mm256_cmpeq_epi32(load(distance + i), least);
                const auto mask = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(equal)));
                if (mask == 0) continue;
                place = static_cast<std::int32_t>(i) + first_one(mask);
                break;
            }
        }
        chosen[g * chosen_stride] = place;
    }
}

// -1 in the bytes whose bit is set, 0 elsewhere: bits 0 ... 31.
inline __m256i bytes_of_bits(std::uint32_t bits) {
    const __m256i place = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3,
                                           3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
    const __m256i spread = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(bits)), place);
    return _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit);
}

// Updates the 64 counters of word w and returns their weight bits.
inline Word update_word(std::int16_t* h, const Word* const* samples, const std::uint8_t* desired, std::size_t n_samples,
                        std::size_t w, __m256i low, __m256i high) {
    // The number of samples that agree, for each synapse.
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    for (std::size_t s = 0; s < n_samples;) {
        const std::size_t end = smaller(n_samples, s + 255);  // a byte counts to 255
        __m256i first_u8x32 = _mm256_setzero_si256(), second_u8x32 = first_u8x32;
        for (; s < end; ++s) {
            const Word agree = samples[s][w] ^ (Word{desired[s]} - 1);
            first_u8x32 = _mm256_sub_epi8(first_u8x32, bytes_of_bits(static_cast<std::uint32_t>(agree)));
            second_u8x32 = _mm256_sub_epi8(second_u8x32, bytes_of_bits(static_cast<std::uint32_t>(agree >> 32)));
        }
        a = _mm256_add_epi16(a, _mm256_cvtepu8_epi16(_mm256_castsi256_si128(first_u8x32)));
        b = _mm256_add_epi16(b, _mm256_cvtepu8_epi16(_mm256_extracti128_si256(first_u8x32, 1)));
        c = _mm256_add_epi16(c, _mm256_cvtepu8_epi16(_mm256_castsi256_si128(second_u8x32)));
        d = _mm256_add_epi16(d, _mm256_cvtepu8_epi16(_mm256_extracti128_si256(second_u8x32, 1)));
    }
    // Each agreement adds one and each disagreement takes one away: 2 * agree - n. It fits 16 bits, so a saturating
    // addition followed by the clamp is the clamped exact sum.
    const __m256i n = _mm256_set1_epi16(static_cast<short>(n_samples));
    const auto apply = [&](std::int16_t* p, __m256i agreements) {
        const __m256i step = _mm256_sub_epi16(_mm256_slli_epi16(agreements, 1), n);
        const __m256i sum = _mm256_adds_epi16(load(p), step);
        const __m256i clamped = _mm256_min_epi16(_mm256_max_epi16(sum, low), high);
        store(p, clamped);
        return clamped;
    };
    const auto negative = [](__m256i first, __m256i second) {  // sign bits of 32 counters, in order
        const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(first, second), 0b11'01'10'00);
        return static_cast<Word>(static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes)));
    };
    a = apply(h, a);
    b = apply(h + 16, b);
    c = apply(h + 32, c);
    d = apply(h + 48, d);
    return ~(negative(a, b) | negative(c, d) << 32);
}

void update(std::int16_t* h, std::size_t n_inputs, const Word* const* samples, const std::uint8_t* desired,
            std::size_t n_samples, std::int16_t h_min, std::int16_t h_max, Word* weight) {
    if (n_samples > 16383) {  // steps would not fit 16 bits
        kPortableKernels.rule.update(h, n_inputs, samples, desired, n_samples, h_min, h_max, weight);
        return;
    }
    const __m256i low = _mm256_set1_epi16(h_min), high = _mm256_set1_epi16(h_max);
    const std::size_t whole = n_inputs / kWordBits;
    for (std::size_t w = 0; w < whole; ++w)
        weight[w * kLanes] = update_word(h + w * kWordBits, samples, desired, n_samples, w, low, high);
    if (const std::size_t rest = n_inputs % kWordBits) {
        alignas(32) std::int16_t last[kWordBits] = {};
        std::memcpy(last, h + whole * kWordBits, rest * sizeof *h);
        weight[whole * kLanes] =
            update_word(last, samples, desired, n_samples, whole, low, high) & word_mask(n_inputs, whole);
        std::memcpy(h + whole * kWordBits, last, rest * sizeof *h);
    }
}

std::uint64_t peak(std::uint64_t n_rounds) {
    const __m256i weights[2] = {load(kPeakWeights), load(kPeakWeights + 4)};
    Word sample = 0;
    __m256i sum_u64x4 = _mm256_setzero_si256();
    for (std::uint64_t r = 0; r < n_rounds; ++r) {
        sample += kPeakStep;
        __m256i word = _mm256_set1_epi64x(static_cast<long long>(sample));
        const __m256i count = disagreements<3, 0, false>(kPeakWords, [&](std::size_t, std::size_t half) {
            asm volatile("" : "+x"(word));  // the same as before, but the compiler cannot know
            return _mm256_xor_si256(weights[half], word);
        });
        const __m256i even = _mm256_and_si256(count, _mm256_set1_epi64x(0xFFFFFFFF));
        sum_u64x4 = _mm256_add_epi64(sum_u64x4, _mm256_add_epi64(even, _mm256_srli_epi64(count, 32)));
    }
    Word sums[4];
    store(sums, sum_u64x4);
    return sums[0] + sums[1] + sums[2] + sums[3];
}

}  // namespace

const KernelSet kAvx2Kernels = {
    "avx2", {preactivations, activations, choose, update, random_words}, {masked_popcounts, count_nearest}, peak};

}  // namespace bitlocal
