// Kernels for x86-64 with AVX-512 F, BW, DQ and VL, for two ways of counting bits: avx512bw.cpp and
// avx512vpopcntdq.cpp give theirs as `Count`.
//
// A vector of eight 64-bit lanes is a word of the eight neurons of a block: no horizontal sums. VPTERNLOG, any function
// of three operands, makes carry-save adders cheap: two instructions for three operands, and three for two words of
// W xor a and a carry, the exclusive ors included. Words go through a tree of them (Harley-Seal; W. Mula, N. Kurz,
// D. Lemire, "Faster population counts using AVX2 instructions", The Computer Journal 61, 2018) before they are
// counted. A tile of neurons and samples stays in registers, so that a word that was loaded is used more than once.
//
// Everything here is compiled with wide instructions: nothing may be shared with other files, so all of it is in an
// unnamed namespace.
#pragma once

#include <immintrin.h>

#include "kernels/count_nearest.hpp"
#include "kernels/kernels.hpp"
#include "kernels/masked_popcounts.hpp"
#include "kernels/philox_avx2.hpp"

#define BITLOCAL_INLINE [[gnu::always_inline]] inline

namespace bitlocal {
namespace {

static_assert(kLanes == 8, "a block is a vector of eight 64-bit lanes");

BITLOCAL_INLINE __m512i load(const void* p) {
    return _mm512_loadu_si512(p);
}

// A copy that the compiler makes here: VPTERNLOG overwrites an operand, and left alone, GCC moves registers about more.
BITLOCAL_INLINE __m512i copy(__m512i v) {
    asm("" : "+v"(v));
    return v;
}

// The truth tables of VPTERNLOG: bit 4 a + 2 b + c is the result for a, b, c.
constexpr int kXor3 = 0x96;
constexpr int kMajority = 0xE8;
constexpr int kNotBOrC = 0x3A;  // a ? not b : c

// W xor a as preactivations sees it: words in memory.
template <std::size_t kBlocks, std::size_t kSamples>
struct InMemory {
    const Word* blocks[kBlocks];
    const Word* samples[kSamples];

    BITLOCAL_INLINE __m512i weights(std::size_t b, std::size_t w) { return load(blocks[b] + w * kLanes); }
    BITLOCAL_INLINE __m512i sample(std::size_t s, std::size_t w) {
        __m512i word = _mm512_set1_epi64(static_cast<long long>(samples[s][w]));
        asm("" : "+v"(word));  // loaded once for all blocks, not once a use
        return word;
    }
};

// W xor a as peak sees it: always the same words, but the compiler cannot know.
template <std::size_t kBlocks, std::size_t kSamples>
struct InRegisters {
    __m512i block;
    __m512i samples[kSamples];

    BITLOCAL_INLINE __m512i weights(std::size_t, std::size_t) { return opaque(block); }
    BITLOCAL_INLINE __m512i sample(std::size_t s, std::size_t) { return opaque(samples[s]); }

  private:
    BITLOCAL_INLINE static __m512i opaque(__m512i v) {
        asm volatile("" : "+v"(v));
        return v;
    }
};

// Popcounts of W xor a for kBlocks blocks and kSamples samples at once. Count has
//   kDepth          levels of carry-save adders; 2^kDepth words are counted at once
//   kStepsPerFlush  times that this can be done before a count overflows
//   bits(v)         counts of bits, in lanes of its choice
//   add(a, b)       their sum
//   sum(v)          their sum in 64-bit lanes
template <class Count, std::size_t kBlocks, std::size_t kSamples, class Source>
class Tile {
  public:
    BITLOCAL_INLINE Tile(const Source& source, std::size_t n_words) : source_(source) {
        for (auto& row : counts_)
            for (__m512i& v : row) v = _mm512_setzero_si512();
        for (auto& row : totals_)
            for (__m512i& v : row) v = _mm512_setzero_si512();
        for (Grid& level : levels_)
            for (auto& row : level.v)
                for (__m512i& v : row) v = _mm512_setzero_si512();
        // The words beyond whole steps come first: each power of two of them fills one level.
        if (n_words & 1) first_word();
        if constexpr (Count::kDepth > 1)
            if (n_words & 2) levels_[1] = carry<1>();
        if constexpr (Count::kDepth > 2)
            if (n_words & 4) levels_[2] = carry<2>();
        static_assert(Count::kDepth <= 3);
        for (std::size_t steps = n_words >> Count::kDepth; steps > 0;) {
            const std::size_t n = smaller(steps, Count::kStepsPerFlush);
            for (std::size_t i = 0; i < n; ++i) count();
            flush();
            steps -= n;
        }
    }

    // popcount(W xor a) of the neurons of block b and sample s, in 64-bit lanes.
    BITLOCAL_INLINE __m512i total(std::size_t b, std::size_t s) const {
        __m512i total = totals_[b][s];
        for (std::size_t i = Count::kDepth; i-- > 0;)
            total = _mm512_add_epi64(_mm512_add_epi64(total, total), Count::sum(Count::bits(levels_[i].v[b][s])));
        return total;
    }

  private:
    struct Grid {
        __m512i v[kBlocks][kSamples];
    };

    BITLOCAL_INLINE void first_word() {
        for (std::size_t b = 0; b < kBlocks; ++b)
            for (std::size_t s = 0; s < kSamples; ++s)
                levels_[0].v[b][s] = _mm512_xor_si512(source_.weights(b, w_), source_.sample(s, w_));
        ++w_;
    }

    // Adds 2^kLevel words to the first kLevel levels; what does not fit there is returned and counts 2^kLevel.
    template <std::size_t kLevel>
    BITLOCAL_INLINE Grid carry() {
        Grid out;
        if constexpr (kLevel == 1) {
            __m512i first[kBlocks], second[kBlocks];
            for (std::size_t b = 0; b < kBlocks; ++b) {
                first[b] = source_.weights(b, w_);
                second[b] = source_.weights(b, w_ + 1);
            }
            for (std::size_t s = 0; s < kSamples; ++s) {
                const __m512i first_sample = source_.sample(s, w_), second_sample = source_.sample(s, w_ + 1);
                for (std::size_t b = 0; b < kBlocks; ++b) {
                    __m512i& ones = levels_[0].v[b][s];
                    const __m512i before = copy(ones);
                    ones = _mm512_ternarylogic_epi64(ones, first[b], first_sample, kXor3);
                    const __m512i half = copy(ones);
                    ones = _mm512_ternarylogic_epi64(ones, second[b], second_sample, kXor3);
                    // Where `half` is 1, the second bit is carried, which is not `ones`; elsewhere, the two before are
                    // equal and carried.
                    out.v[b][s] = _mm512_ternarylogic_epi64(half, ones, before, kNotBOrC);
                }
            }
            w_ += 2;
        } else {
            const Grid x = carry<kLevel - 1>();
            const Grid y = carry<kLevel - 1>();
            for (std::size_t b = 0; b < kBlocks; ++b)
                for (std::size_t s = 0; s < kSamples; ++s) {
                    __m512i& level = levels_[kLevel - 1].v[b][s];
                    out.v[b][s] = _mm512_ternarylogic_epi64(level, x.v[b][s], y.v[b][s], kMajority);
                    level = _mm512_ternarylogic_epi64(level, x.v[b][s], y.v[b][s], kXor3);
                }
        }
        return out;
    }

    BITLOCAL_INLINE void count() {
        const Grid carries = carry<Count::kDepth>();
        for (std::size_t b = 0; b < kBlocks; ++b)
            for (std::size_t s = 0; s < kSamples; ++s)
                counts_[b][s] = Count::add(counts_[b][s], Count::bits(carries.v[b][s]));
    }

    BITLOCAL_INLINE void flush() {
        for (std::size_t b = 0; b < kBlocks; ++b)
            for (std::size_t s = 0; s < kSamples; ++s) {
                totals_[b][s] = _mm512_add_epi64(totals_[b][s], Count::sum(counts_[b][s]));
                counts_[b][s] = _mm512_setzero_si512();
            }
    }

    Source source_;
    std::size_t w_ = 0;
    Grid levels_[Count::kDepth];
    __m512i counts_[kBlocks][kSamples];
    __m512i totals_[kBlocks][kSamples];  // in units of 2^kDepth
};

template <class Count, std::size_t kBlocks, std::size_t kSamples>
BITLOCAL_INLINE void preactivations_tile(const Word* weights, std::size_t n_words, __m512i n_inputs,
                                         const Word* const* samples, std::int32_t* z, std::size_t z_stride) {
    InMemory<kBlocks, kSamples> source;
    for (std::size_t b = 0; b < kBlocks; ++b) source.blocks[b] = weights + b * n_words * kLanes;
    for (std::size_t s = 0; s < kSamples; ++s) source.samples[s] = samples[s];
    const Tile<Count, kBlocks, kSamples, InMemory<kBlocks, kSamples>> tile(source, n_words);
    // Narrow the 64-bit lanes to their even 32-bit halves, of two blocks at once where there are two.
    static_assert(kBlocks <= 2);
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    for (std::size_t s = 0; s < kSamples; ++s) {
        const __m512i counts = _mm512_permutex2var_epi32(tile.total(0, s), even, tile.total(kBlocks - 1, s));
        const __m512i out = _mm512_sub_epi32(n_inputs, _mm512_add_epi32(counts, counts));
        std::int32_t* to = z + s * z_stride;
        if constexpr (kBlocks == 2) {
            _mm512_storeu_si512(to, out);
        } else {
            _mm256_storeu_si256(reinterpret_cast<__m256i_u*>(to), _mm512_castsi512_si256(out));
        }
    }
}

template <class Count, std::size_t kBlocks>
void preactivations_blocks(const Word* weights, std::size_t n_words, __m512i n_inputs, const Word* const* samples,
                           std::size_t n_samples, std::int32_t* z, std::size_t z_stride) {
    std::size_t s = 0;  // the blocks stay in the cache while the samples pass
    for (; s + Count::kSamples <= n_samples; s += Count::kSamples)
        preactivations_tile<Count, kBlocks, Count::kSamples>(weights, n_words, n_inputs, samples + s, z + s * z_stride,
                                                             z_stride);
    for (; s < n_samples; ++s)
        preactivations_tile<Count, kBlocks, 1>(weights, n_words, n_inputs, samples + s, z + s * z_stride, z_stride);
}

template <class Count>
void preactivations(const Word* weights, std::size_t n_blocks, std::size_t n_words, std::int32_t n_inputs,
                    const Word* const* samples, std::size_t n_samples, std::int32_t* z, std::size_t z_stride) {
    const __m512i all = _mm512_set1_epi32(n_inputs);
    std::size_t b = 0;
    for (; b + Count::kBlocks <= n_blocks; b += Count::kBlocks)
        preactivations_blocks<Count, Count::kBlocks>(weights + b * n_words * kLanes, n_words, all, samples, n_samples,
                                                     z + b * kLanes, z_stride);
    for (; b < n_blocks; ++b)
        preactivations_blocks<Count, 1>(weights + b * n_words * kLanes, n_words, all, samples, n_samples,
                                        z + b * kLanes, z_stride);
}

template <class Count>
std::uint64_t peak(std::uint64_t n_rounds) {
    static_assert(kPeakWords % (Count::kBlocks << Count::kDepth) == 0);
    const __m512i block = load(kPeakWeights);
    __m512i sum_u64x8 = _mm512_setzero_si512();
    Word word = 0;
    const auto rounds = [&]<std::size_t kSamples>() {  // kSamples at once; the words are split among the blocks
        InRegisters<Count::kBlocks, kSamples> source;
        source.block = block;
        for (__m512i& sample : source.samples) sample = _mm512_set1_epi64(static_cast<long long>(word += kPeakStep));
        const Tile<Count, Count::kBlocks, kSamples, InRegisters<Count::kBlocks, kSamples>> tile(
            source, kPeakWords / Count::kBlocks);
        for (std::size_t b = 0; b < Count::kBlocks; ++b)
            for (std::size_t s = 0; s < kSamples; ++s) sum_u64x8 = _mm512_add_epi64(sum_u64x8, tile.total(b, s));
    };
    std::uint64_t r = 0;
    for (; r + Count::kSamples <= n_rounds; r += Count::kSamples) rounds.template operator()<Count::kSamples>();
    for (; r < n_rounds; ++r) rounds.template operator()<1>();
    return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sum_u64x8));
}

// The first min(n, 16) lanes.
BITLOCAL_INLINE __mmask16 first_lanes(std::size_t n) {
    return static_cast<__mmask16>(n >= 16 ? 0xFFFF : (1u << n) - 1);
}

void activations(const std::int32_t* z, std::size_t n_neurons, Word* a) {
    for (std::size_t w = 0; w < words_for(n_neurons); ++w) {
        const std::size_t n = smaller(kWordBits, n_neurons - w * kWordBits);
        Word negative = 0;
        for (std::size_t i = 0; i < n; i += 16) {
            const __m512i v = _mm512_maskz_loadu_epi32(first_lanes(n - i), z + w * kWordBits + i);
            negative |= Word{_mm512_movepi32_mask(v)} << i;
        }
        a[w] = ~negative & word_mask(n_neurons, w);
    }
}

// Bits k ... k + n - 1 of a row, n from 1 to 16; what follows them is undefined.
BITLOCAL_INLINE __mmask16 bits_from(const Word* row, std::size_t k, std::size_t n) {
    const std::size_t word = k / kWordBits, shift = k % kWordBits;
    Word bits = row[word] >> shift;
    if (shift + n > kWordBits) bits |= row[word + 1] << (kWordBits - shift);
    return static_cast<__mmask16>(bits);
}

void choose(std::int32_t* z, const Word* desired, std::size_t n_groups, std::size_t group_size, std::int32_t* chosen,
            std::size_t chosen_stride) {
    const __m512i never = _mm512_set1_epi32(INT32_MAX), zero = _mm512_setzero_si512();
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (std::size_t g = 0; g < n_groups; ++g) {
        // Each lane's smallest distance to fix a wrong neuron, and the first place that has it.
        __m512i least = never, place = lane;
        for (std::size_t i = 0; i < group_size; i += 16) {
            const std::size_t k = g * group_size + i, n = smaller(16, group_size - i);
            const __mmask16 wanted = bits_from(desired, k, n);
            const __m512i v = _mm512_maskz_loadu_epi32(first_lanes(n), z + k);  // 0 is right, whatever is wanted
            const __mmask16 negative = _mm512_movepi32_mask(v), positive = _mm512_cmpgt_epi32_mask(v, zero);
            const auto wrong = static_cast<__mmask16>((wanted & negative) | (~wanted & positive));
            const __m512i distance = _mm512_mask_abs_epi32(never, wrong, v);
            const __mmask16 nearer = _mm512_cmplt_epi32_mask(distance, least);
            least = _mm512_min_epi32(least, distance);
            place = _mm512_mask_add_epi32(place, nearer, lane, _mm512_set1_epi32(static_cast<int>(i)));
        }
        const std::int32_t least_of_all = _mm512_reduce_min_epi32(least);
        const __mmask16 winners = _mm512_cmpeq_epi32_mask(least, _mm512_set1_epi32(least_of_all));
        chosen[g * chosen_stride] = least_of_all == INT32_MAX ? -1 : _mm512_mask_reduce_min_epi32(winners, place);
    }
}

// Updates the counters of word w that `valid` has, and returns their weight bits.
BITLOCAL_INLINE Word update_word(std::int16_t* h, Word valid, const Word* const* samples, const std::uint8_t* desired,
                                 std::size_t n_samples, std::size_t w, __m512i low, __m512i high) {
    const __m512i zero = _mm512_setzero_si512(), minus_one = _mm512_set1_epi8(-1);
    // How many samples agree, for each synapse.
    __m512i agreements[2] = {zero, zero};
    for (std::size_t s = 0; s < n_samples;) {
        const std::size_t end = smaller(n_samples, s + 255);  // a byte counts to 255
        __m512i count_u8x64 = zero;
        for (; s < end; ++s) {
            const Word agree = samples[s][w] ^ (Word{desired[s]} - 1);
            count_u8x64 = _mm512_mask_sub_epi8(count_u8x64, agree, count_u8x64, minus_one);
        }
        agreements[0] = _mm512_add_epi16(agreements[0], _mm512_cvtepu8_epi16(_mm512_castsi512_si256(count_u8x64)));
        agreements[1] =
            _mm512_add_epi16(agreements[1], _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(count_u8x64, 1)));
    }
    // Each agreement adds one and each disagreement takes one away: 2 * agree - n. It fits 16 bits, so a saturating
    // addition followed by the clamp is the clamped exact sum.
    const __m512i n = _mm512_set1_epi16(static_cast<short>(n_samples));
    Word negative = 0;
    for (std::size_t half = 0; half < 2; ++half) {
        const auto lanes = static_cast<__mmask32>(valid >> (32 * half));
        const __m512i step = _mm512_sub_epi16(_mm512_slli_epi16(agreements[half], 1), n);
        const __m512i sum = _mm512_adds_epi16(_mm512_maskz_loadu_epi16(lanes, h + 32 * half), step);
        const __m512i clamped = _mm512_min_epi16(_mm512_max_epi16(sum, low), high);
        _mm512_mask_storeu_epi16(h + 32 * half, lanes, clamped);
        negative |= Word{_mm512_movepi16_mask(clamped)} << (32 * half);
    }
    return ~negative & valid;
}

void update(std::int16_t* h, std::size_t n_inputs, const Word* const* samples, const std::uint8_t* desired,
            std::size_t n_samples, std::int16_t h_min, std::int16_t h_max, Word* weight) {
    if (n_samples > 32767) {  // steps would not fit 16 bits
        kPortableKernels.rule.update(h, n_inputs, samples, desired, n_samples, h_min, h_max, weight);
        return;
    }
    const __m512i low = _mm512_set1_epi16(h_min), high = _mm512_set1_epi16(h_max);
    for (std::size_t w = 0; w < words_for(n_inputs); ++w)
        weight[w * kLanes] =
            update_word(h + w * kWordBits, word_mask(n_inputs, w), samples, desired, n_samples, w, low, high);
}

}  // namespace
}  // namespace bitlocal
