// Kernels for x86-64 with AVX2: every common processor since Haswell (2013) and Zen (2017).
//
// AVX2 has no vector popcount. A nibble is looked up by a byte shuffle (W. Mula, N. Kurz, D. Lemire, "Faster population
// counts using AVX2 instructions", The Computer Journal 61, 2018), after a carry-save adder tree has folded four words
// into one that needs the lookup. Counts per byte are summed into 64-bit lanes by VPSADBW before they can overflow.
#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels.hpp"
#include "philox_avx2.hpp"

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

// Running popcounts of four neurons.
struct Counter {
    __m256i ones = _mm256_setzero_si256();
    __m256i twos = _mm256_setzero_si256();
    __m256i fours_u8x32 = _mm256_setzero_si256();  // counts of fours, a byte each
    __m256i total_u64x4 = _mm256_setzero_si256();

    void add(__m256i a, __m256i b, __m256i c, __m256i d) {
        const __m256i twos_a = carry_save_add(ones, a, b);
        const __m256i twos_b = carry_save_add(ones, c, d);
        fours_u8x32 = _mm256_add_epi8(fours_u8x32, popcount_u8x32(carry_save_add(twos, twos_a, twos_b)));
    }
    // A byte of fours_u8x32 grows by at most 8 a step: 31 steps fit.
    static constexpr std::size_t kStepsPerFlush = 31;
    void flush() {
        const __m256i sums = _mm256_sad_epu8(fours_u8x32, _mm256_setzero_si256());
        total_u64x4 = _mm256_add_epi64(total_u64x4, _mm256_slli_epi64(sums, 2));
        fours_u8x32 = _mm256_setzero_si256();
    }
    // The end: what is left in ones and twos, and the count of up to three single words, a byte each (at most 24).
    __m256i finish(__m256i rest_u8x32) {
        flush();
        return _mm256_add_epi64(total_u64x4, sum(rest_u8x32));
    }
    // The same without a flush before, for few words: a byte counts at most 8 a word, so 31 words fit.
    static constexpr std::size_t kFewWords = 31;
    __m256i finish_few(__m256i rest_u8x32) {
        const __m256i twice = _mm256_add_epi8(fours_u8x32, fours_u8x32);
        return sum(_mm256_add_epi8(rest_u8x32, _mm256_add_epi8(twice, twice)));
    }

  private:
    __m256i sum(__m256i rest_u8x32) {
        const __m256i twos_u8x32 = popcount_u8x32(twos);
        const __m256i left =
            _mm256_add_epi8(_mm256_add_epi8(twos_u8x32, twos_u8x32), _mm256_add_epi8(popcount_u8x32(ones), rest_u8x32));
        return _mm256_sad_epu8(left, _mm256_setzero_si256());
    }
};

// popcount(W xor a) of the eight neurons of a block, as eight 32-bit integers. word(w, half) is word w of W xor a for
// the first or the last four neurons.
template <bool kFew, class XorWord>
[[gnu::always_inline]] inline __m256i disagreements(std::size_t n_words, const XorWord& word) {
    Counter low, high;
    std::size_t w = 0;
    while (w + 4 <= n_words) {
        const std::size_t end = std::min(n_words - 3, w + 4 * Counter::kStepsPerFlush);
        for (; w < end; w += 4) {
            low.add(word(w, 0), word(w + 1, 0), word(w + 2, 0), word(w + 3, 0));
            high.add(word(w, 1), word(w + 1, 1), word(w + 2, 1), word(w + 3, 1));
        }
        if (!kFew && w + 4 <= n_words) {
            low.flush();
            high.flush();
        }
    }
    __m256i rest_low = _mm256_setzero_si256(), rest_high = rest_low;
    for (; w < n_words; ++w) {
        rest_low = _mm256_add_epi8(rest_low, popcount_u8x32(word(w, 0)));
        rest_high = _mm256_add_epi8(rest_high, popcount_u8x32(word(w, 1)));
    }
    // Narrow the 64-bit lanes: the even 32-bit halves of both vectors, in order.
    const __m256i counts_low = kFew ? low.finish_few(rest_low) : low.finish(rest_low);
    const __m256i counts_high = kFew ? high.finish_few(rest_high) : high.finish(rest_high);
    const __m256i mixed = _mm256_castps_si256(
        _mm256_shuffle_ps(_mm256_castsi256_ps(counts_low), _mm256_castsi256_ps(counts_high), 0b10'00'10'00));
    return _mm256_permute4x64_epi64(mixed, 0b11'01'10'00);
}

template <bool kFew>
void preactivations_of(const Word* weights, std::size_t n_blocks, std::size_t n_words, std::int32_t n_inputs,
                       const Word* const* samples, std::size_t n_samples, std::int32_t* z, std::size_t z_stride) {
    const __m256i all = _mm256_set1_epi32(n_inputs);
    for (std::size_t b = 0; b < n_blocks; ++b) {
        const Word* block = weights + b * n_words * kLanes;  // stays in the cache while the samples pass
        for (std::size_t s = 0; s < n_samples; ++s) {
            const Word* sample = samples[s];
            const __m256i count = disagreements<kFew>(n_words, [=](std::size_t w, std::size_t half) {
                return _mm256_xor_si256(load(block + w * kLanes + half * 4),
                                        _mm256_set1_epi64x(static_cast<long long>(sample[w])));
            });
            store(z + s * z_stride + b * kLanes, _mm256_sub_epi32(all, _mm256_add_epi32(count, count)));
        }
    }
}

void preactivations(const Word* weights, std::size_t n_blocks, std::size_t n_words, std::int32_t n_inputs,
                    const Word* const* samples, std::size_t n_samples, std::int32_t* z, std::size_t z_stride) {
    const auto kernel = n_words <= Counter::kFewWords ? preactivations_of<true> : preactivations_of<false>;
    kernel(weights, n_blocks, n_words, n_inputs, samples, n_samples, z, z_stride);
}

void activations(const std::int32_t* z, std::size_t n_neurons, Word* a) {
    for (std::size_t w = 0; w < words_for(n_neurons); ++w) {
        const std::size_t n = std::min(kWordBits, n_neurons - w * kWordBits);
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
                place = static_cast<std::int32_t>(i) + std::countr_zero(mask);
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
        const std::size_t end = std::min(n_samples, s + 255);  // a byte counts to 255
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
        kPortableKernels.update(h, n_inputs, samples, desired, n_samples, h_min, h_max, weight);
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
        const __m256i count = disagreements<false>(kPeakWords, [&](std::size_t, std::size_t half) {
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

const Kernels kAvx2Kernels = {"avx2", preactivations, activations, choose, update, random_words, peak};

}  // namespace bitlocal
