// Kernels in standard C++, compiled once for any processor (portable.cpp: the reference for all others) and
// once for those that have a popcount of words but no wide vectors (popcnt.cpp).
//
// Without the instruction, popcount is done bit-parallel (SWAR), and vertically, over the kLanes neurons of a block at
// once, so that the compiler can use whatever vectors the baseline instruction set has.
#pragma once

#include "kernels/count_nearest.hpp"
#include "kernels/kernels.hpp"
#include "kernels/masked_popcounts.hpp"

namespace bitlocal {
namespace {

struct Lanes {
    Word lane[kLanes] = {};

    Word& operator[](std::size_t i) { return lane[i]; }
    Word operator[](std::size_t i) const { return lane[i]; }
};

// popcount(W xor a) of the kLanes neurons of one block.
#ifdef __POPCNT__
inline Lanes disagreements(const Word* block, const Word* sample, std::size_t n_words) {
    Lanes total;
    for (std::size_t w = 0; w < n_words; ++w)
        for (std::size_t i = 0; i < kLanes; ++i)
            total[i] += static_cast<Word>(__builtin_popcountll(block[w * kLanes + i] ^ sample[w]));
    return total;
}
#else
// Carry-save adder over lanes: a + b + carry_in = 2 * result + a', bit by bit. Returns the high part, leaves the low in
// a.
inline Lanes carry_save_add(Lanes& a, const Lanes& b, const Lanes& c) {
    Lanes high;
    for (std::size_t i = 0; i < kLanes; ++i) {
        const Word sum = a[i] ^ b[i];
        high[i] = (a[i] & b[i]) | (sum & c[i]);
        a[i] = sum ^ c[i];
    }
    return high;
}

// Adds `weight` times the popcount of each lane to `total`.
inline void add_popcounts(const Lanes& bits, Word weight, Lanes& total) {
    for (std::size_t i = 0; i < kLanes; ++i) {
        Word v = bits[i];
        v -= (v >> 1) & 0x5555555555555555u;
        v = (v & 0x3333333333333333u) + ((v >> 2) & 0x3333333333333333u);
        v = (v + (v >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
        v += v >> 8;
        v += v >> 16;
        v += v >> 32;
        total[i] += weight * (v & 0xFF);
    }
}

inline Lanes xor_word(const Word* weights, Word sample) {
    Lanes bits;
    for (std::size_t i = 0; i < kLanes; ++i) bits[i] = weights[i] ^ sample;
    return bits;
}

// Four words at a time go through a tree of carry-save adders (Harley-Seal), so that only one word in four is
// popcounted in full.
inline Lanes disagreements(const Word* block, const Word* sample, std::size_t n_words) {
    Lanes total, ones, twos;
    std::size_t w = 0;
    for (; w + 4 <= n_words; w += 4) {
        const Word* p = block + w * kLanes;
        const Lanes twos_a = carry_save_add(ones, xor_word(p, sample[w]), xor_word(p + kLanes, sample[w + 1]));
        const Lanes twos_b =
            carry_save_add(ones, xor_word(p + 2 * kLanes, sample[w + 2]), xor_word(p + 3 * kLanes, sample[w + 3]));
        add_popcounts(carry_save_add(twos, twos_a, twos_b), 4, total);
    }
    for (; w < n_words; ++w) add_popcounts(xor_word(block + w * kLanes, sample[w]), 1, total);
    add_popcounts(twos, 2, total);
    add_popcounts(ones, 1, total);
    return total;
}
#endif

void preactivations(const Word* weights, std::size_t n_blocks, std::size_t n_words, std::int32_t n_inputs,
                    const Word* const* samples, std::size_t n_samples, std::int32_t* z, std::size_t z_stride) {
    for (std::size_t b = 0; b < n_blocks; ++b) {
        const Word* block = weights + b * n_words * kLanes;  // stays in the cache while the samples pass
        for (std::size_t s = 0; s < n_samples; ++s) {
            const Lanes count = disagreements(block, samples[s], n_words);
            std::int32_t* out = z + s * z_stride + b * kLanes;
            for (std::size_t i = 0; i < kLanes; ++i) out[i] = n_inputs - 2 * static_cast<std::int32_t>(count[i]);
        }
    }
}

void activations(const std::int32_t* z, std::size_t n_neurons, Word* a) {
    for (std::size_t k = 0; k < n_neurons; k += kWordBits) {
        const std::size_t n = smaller(kWordBits, n_neurons - k);
        Word word = 0;
        for (std::size_t i = 0; i < n; ++i) word |= Word{z[k + i] >= 0} << i;
        a[k / kWordBits] = word;
    }
}

void choose(std::int32_t* z, const Word* desired, std::size_t n_groups, std::size_t group_size, std::int32_t* chosen,
            std::size_t chosen_stride) {
    std::size_t k = 0;
    for (std::size_t g = 0; g < n_groups; ++g) {
        std::int32_t best = -1;
        std::int32_t best_distance = 0;
        for (std::size_t i = 0; i < group_size; ++i, ++k) {
            const std::int32_t stability = get_bit(desired, k) ? z[k] : -z[k];
            if (stability < 0 && (best < 0 || -stability < best_distance)) {
                best = static_cast<std::int32_t>(i);
                best_distance = -stability;
            }
        }
        chosen[g * chosen_stride] = best;
    }
}

// kSpread[b]: the bits of byte b, one to a byte.
struct Spread {
    std::uint64_t of[256] = {};

    constexpr Spread() {
        for (std::uint64_t b = 0; b < 256; ++b)
            for (std::uint64_t i = 0; i < 8; ++i) of[b] |= ((b >> i) & 1) << (8 * i);
    }
};
constexpr Spread kSpread;

// How many of the samples agree with the desired activation, for each of the 64 synapses of word w.
void count_agreements(const Word* const* samples, const std::uint8_t* desired, std::size_t n_samples, std::size_t w,
                      std::int32_t (&counts)[kWordBits]) {
    for (std::int32_t& count : counts) count = 0;
    for (std::size_t first = 0; first < n_samples; first += 255) {  // a byte counts to 255
        const std::size_t last = smaller(n_samples, first + 255);
        std::uint64_t bytes[8] = {};
        for (std::size_t s = first; s < last; ++s) {
            const Word agree = samples[s][w] ^ (Word{desired[s]} - 1);
            for (std::size_t i = 0; i < 8; ++i) bytes[i] += kSpread.of[(agree >> (8 * i)) & 0xFF];
        }
        for (std::size_t j = 0; j < kWordBits; ++j)
            counts[j] += static_cast<std::int32_t>((bytes[j / 8] >> (8 * (j % 8))) & 0xFF);
    }
}

void update(std::int16_t* h, std::size_t n_inputs, const Word* const* samples, const std::uint8_t* desired,
            std::size_t n_samples, std::int16_t h_min, std::int16_t h_max, Word* weight) {
    const auto n = static_cast<std::int32_t>(n_samples);
    for (std::size_t w = 0; w < words_for(n_inputs); ++w) {
        std::int32_t agree[kWordBits];
        count_agreements(samples, desired, n_samples, w, agree);
        const std::size_t first = w * kWordBits;
        const std::size_t width = smaller(kWordBits, n_inputs - first);
        Word word = 0;
        for (std::size_t i = 0; i < width; ++i) {
            // Each agreement adds one and each disagreement takes one away: 2 * agree - n. 32 bits hold the sum.
            const std::int32_t sum = h[first + i] + 2 * agree[i] - n;
            h[first + i] = static_cast<std::int16_t>(sum < h_min ? h_min : sum > h_max ? h_max : sum);
            word |= Word{h[first + i] >= 0} << i;
        }
        weight[w * kLanes] = word;
    }
}

// Philox4x32-10 block by block, as in random.hpp, whose functions must not be compiled with this file's flags.
void random_words(const std::uint32_t* key, const std::uint32_t* counter, std::size_t n_blocks, std::uint64_t* words) {
    for (std::size_t b = 0; b < n_blocks; ++b) {
        std::uint32_t c0 = counter[0] + static_cast<std::uint32_t>(b), c1 = counter[1], c2 = counter[2],
                      c3 = counter[3], k0 = key[0], k1 = key[1];
        for (int round = 0; round < 10; ++round) {
            const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c0, p1 = std::uint64_t{0xCD9E8D57} * c2;
            c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
            c1 = static_cast<std::uint32_t>(p1);
            c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
            c3 = static_cast<std::uint32_t>(p0);
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        words[2 * b] = c0 | (std::uint64_t{c1} << 32);
        words[2 * b + 1] = c2 | (std::uint64_t{c3} << 32);
    }
}

// Without wide vectors there is little to keep in registers: this is preactivations on the level-1 cache.
std::uint64_t peak(std::uint64_t n_rounds) {
    Word block[kPeakWords * kLanes], sample[kPeakWords];
    std::int32_t z[kLanes];
    for (std::size_t i = 0; i < kPeakWords * kLanes; ++i) block[i] = kPeakWeights[i % kLanes];
    const Word* const samples[] = {sample};
    const auto volatile forward = preactivations;  // called as from outside, not specialised
    std::uint64_t sum = 0;
    for (std::uint64_t r = 0; r < n_rounds; ++r) {
        for (Word& word : sample) word = kPeakStep * (r + 1);
        forward(block, 1, kPeakWords, 0, samples, 1, z, kLanes);
        for (std::int32_t minus_twice : z) sum += static_cast<std::uint64_t>(-minus_twice / 2);
    }
    return sum;
}

}  // namespace
}  // namespace bitlocal
