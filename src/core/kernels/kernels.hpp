// The kernels: the loops that take the time, one table of them per instruction set.
//
// A kernel works on plain pointers and integers and keeps to the bit-layout contract of bits.hpp. Every table gives the
// same bits as the portable one. No intrinsics here: each <isa>.cpp has its own and is the only file that is
// compiled with that instruction set's flags.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "bits.hpp"

namespace bitlocal {

// The steps of the learning rule.
struct RuleKernels {
    // Forward: z[s * z_stride + k] = n_inputs - 2 * popcount(W_k xor a_s) for each sample s and neuron k.
    //   weights   n_blocks blocks of kLanes neurons, n_words words each (WeightBlocks)
    //   samples   n_samples pointers to rows of n_words words
    //   z         n_samples rows of at least n_blocks * kLanes integers, z_stride apart
    void (*preactivations)(const Word* weights, std::size_t n_blocks, std::size_t n_words, std::int32_t n_inputs,
                           const Word* const* samples, std::size_t n_samples, std::int32_t* z, std::size_t z_stride);

    // Activation: bit k of `a` = (z[k] >= 0), padding zero. n_neurons integers in, in rows padded to whole blocks;
    // words_for(n_neurons) words out.
    void (*activations)(const std::int32_t* z, std::size_t n_neurons, Word* a);

    // Sparse choice for one sample: chosen[g * chosen_stride] = the place within group g of its wrong neuron with the
    // smallest |z|, the first of equals, or -1 where no neuron is wrong.
    //   z         n_groups * group_size integers, which are used up, with the padding to whole blocks;
    //             kLanes more may be read
    //   desired   the desired activations, n_groups * group_size bits
    void (*choose)(std::int32_t* z, const Word* desired, std::size_t n_groups, std::size_t group_size,
                   std::int32_t* chosen, std::size_t chosen_stride);

    // Update of one neuron by the samples that chose it: for each synapse j, h[j] += sum over the samples of
    // (a_j == a* ? +1 : -1), then h[j] is clamped to [h_min, h_max]. The neuron's weight bits are refreshed.
    //   h         n_inputs counters
    //   samples   n_samples pointers to the activations a that came in
    //   desired   n_samples times 0 or 1: a*
    //   weight    word w of the neuron's weights is weight[w * kLanes]
    void (*update)(std::int16_t* h, std::size_t n_inputs, const Word* const* samples, const std::uint8_t* desired,
                   std::size_t n_samples, std::int16_t h_min, std::int16_t h_max, Word* weight);

    // Random numbers in bulk (random.hpp): words[2 * b] and words[2 * b + 1] are the words of block counter[0] + b.
    //   key, counter   2 and 4 integers
    //   n_blocks       a multiple of kBlocksAtOnce
    void (*random_words)(const std::uint32_t* key, const std::uint32_t* counter, std::size_t n_blocks,
                         std::uint64_t* words);
};

// Words of a code book that lie across: a strip is the same bit of 256 words, 64 to a Word.
inline constexpr std::size_t kStripWords = 4;
struct SlicedWords {
    static constexpr std::size_t kMostBits = 1 << 12;

    const Word* off;  // for each strip of words, n_bits + 1 strips: where the bit is off; zeros
    const Word* on;   // for each strip of words, n_planes strips: the bits of the number of a word's bits that are on
    std::size_t n_words;
    std::size_t n_bits;    // of a word, at most kMostBits
    std::size_t n_planes;  // at least 4, and enough for 2 n_bits
};
static constexpr std::size_t strips_for(std::size_t n_words) {
    return (n_words + kStripWords * kWordBits - 1) / (kStripWords * kWordBits);
}
static constexpr std::size_t scratch_for(const SlicedWords& book) {
    return (book.n_planes + 2) * strips_for(book.n_words) * kStripWords;
}

// From samples to bits.
struct EncodeKernels {
    // counts[i] = popcount of all (row[words[t]] ^ flips[t]) & masks[t] for the terms t of count i, from
    // first_term[i] to before first_term[i + 1].
    void (*masked_popcounts)(const Word* row, const std::uint32_t* first_term, const std::uint32_t* words,
                             const Word* masks, const Word* flips, std::size_t n_counts, std::int32_t* counts);

    // counts[i] += 1 for those n_nearest of the words that are nearest to a row of book.n_bits bits (Hamming distance),
    // the first of equals.
    //   scratch    scratch_for(book) words
    void (*count_nearest)(const SlicedWords& book, const Word* row, std::size_t n_nearest, Word* scratch,
                          std::uint16_t* counts);
};

struct KernelSet {
    const char* name;
    RuleKernels rule;
    EncodeKernels encode;

    // A measure, not a step: how fast this instruction set counts when memory costs nothing. The xor and popcount of
    // preactivations, on registers alone: each of n_rounds rounds compares kLanes neurons, each with kPeakWords times
    // the same word kPeakWeights[lane], with a sample that has kPeakWords times the word kPeakStep * (round + 1).
    // Returns the sum of all popcounts modulo 2^64.
    std::uint64_t (*peak)(std::uint64_t n_rounds);
};

// What kernels share must not come from the standard library, whose templates files with different flags would share.
static constexpr std::size_t smaller(std::size_t a, std::size_t b) {
    return a < b ? a : b;
}
#ifdef __GNUC__
static constexpr std::int32_t count_ones(Word word) {
    return __builtin_popcountll(word);
}
static constexpr int first_one(Word word) {
    return __builtin_ctzll(word);
}
#else
static constexpr std::int32_t count_ones(Word word) {
    return std::popcount(word);
}
static constexpr int first_one(Word word) {
    return std::countr_zero(word);
}
#endif

inline constexpr std::size_t kBlocksAtOnce = 4;  // of random_words

inline constexpr std::size_t kPeakWords = 248;  // whole steps of every carry-save scheme between two flushes
inline constexpr std::uint64_t kPeakBits = kPeakWords * kLanes * kWordBits;  // bit operations a round
static constexpr Word kPeakWeights[kLanes] = {0x0123456789ABCDEF, 0x9E3779B97F4A7C15, 0xFFFFFFFFFFFFFFFF,
                                              0x0000000000000001, 0x8000000000000000, 0x5555555555555555,
                                              0x00000000FFFFFFFF, 0xBF58476D1CE4E5B9};
inline constexpr Word kPeakStep = 0x94D049BB133111EB;

extern const KernelSet kPortableKernels;
// Only where BITLOCAL_X86 is defined:
extern const KernelSet kPopcntKernels;
extern const KernelSet kAvx2Kernels;
extern const KernelSet kAvx512BwKernels;
extern const KernelSet kAvx512VpopcntdqKernels;
extern const KernelSet kNeonKernels;  // only where BITLOCAL_NEON is defined

}  // namespace bitlocal
