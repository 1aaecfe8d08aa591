// Kernels for AArch64 with NEON (Advanced SIMD), which every AArch64 processor has: no flags, no test at run time.
//
// CNT counts the bits of each byte, so a word costs an exclusive or, a count and an addition; a carry-save adder tree,
// which pays where a count takes several instructions, would cost more here (compare W. Mula, N. Kurz, D. Lemire,
// "Faster population counts using AVX2 instructions", The Computer Journal 61, 2018). Bounds of the narrow sums:
// - preactivations: a byte grows by at most 8 a word, so 31 words fit before it is added to 32-bit lanes, which hold
//   2 * n_inputs as z does;
// - update: a byte grows by at most 1 a sample, so 255 samples fit before it is added to 16-bit lanes; for up to 32767
//   samples those hold 2 * agree, unsigned, and 2 * agree - n, signed (the subtraction is modulo 2^16). Portable takes
//   over beyond.
// Instructions: Arm, "Arm Architecture Reference Manual for A-profile architecture", DDI 0487; intrinsics: "Arm Neon
// Intrinsics Reference", IHI 0073. Little-endian only: lane 0 holds the lowest bits of a register.
#include <arm_neon.h>

#include <cstring>

#include "kernels/count_nearest.hpp"
#include "kernels/kernels.hpp"
#include "kernels/masked_popcounts.hpp"

namespace bitlocal {
namespace {

static_assert(kLanes == 8, "a block is four vectors of two 64-bit lanes");
static_assert(std::endian::native == std::endian::little);

// Bit i % 8 in byte i.
inline uint8x16_t bit_of_byte() {
    return vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
}

// One bit for each of 64 bytes, in order: whether it is >= 0 as a signed number.
inline Word non_negative(int8x16_t a, int8x16_t b, int8x16_t c, int8x16_t d) {
    const uint8x16_t bit = bit_of_byte();
    // Adding neighbours three times joins the eight bits of each byte.
    const uint8x16_t ab = vpaddq_u8(vandq_u8(vcgezq_s8(a), bit), vandq_u8(vcgezq_s8(b), bit));
    const uint8x16_t cd = vpaddq_u8(vandq_u8(vcgezq_s8(c), bit), vandq_u8(vcgezq_s8(d), bit));
    const uint8x16_t abcd = vpaddq_u8(ab, cd);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(abcd, abcd)), 0);
}

// The upper bytes of 16 numbers, with their signs.
inline int8x16_t upper_bytes(int16x8_t a, int16x8_t b) {
    return vuzp2q_s8(vreinterpretq_s8_s16(a), vreinterpretq_s8_s16(b));
}
inline int16x8_t upper_halves(int32x4_t a, int32x4_t b) {
    return vuzp2q_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b));
}

// Running popcounts of two neurons.
struct Counter {
    uint8x16_t count_u8x16 = vdupq_n_u8(0);
    uint32x4_t total_u32x4 = vdupq_n_u32(0);  // two lanes a neuron

    void add(uint64x2_t differ) { count_u8x16 = vaddq_u8(count_u8x16, vcntq_u8(vreinterpretq_u8_u64(differ))); }
    static constexpr std::size_t kWordsPerFlush = 31;
    void flush() {
        total_u32x4 = vpadalq_u16(total_u32x4, vpaddlq_u8(count_u8x16));
        count_u8x16 = vdupq_n_u8(0);
    }
};

// popcount(W xor a) of the eight neurons of a block: two neurons in each of four counters. word(w, i) is word w of
// W xor a for neurons 2 i and 2 i + 1.
template <class XorWord>
inline void count_disagreements(std::size_t n_words, const XorWord& word, Counter (&counters)[4]) {
    for (std::size_t w = 0; w < n_words;) {
        const std::size_t end = smaller(n_words, w + Counter::kWordsPerFlush);
        for (; w < end; ++w)
            for (std::size_t i = 0; i < 4; ++i) counters[i].add(word(w, i));
        for (Counter& counter : counters) counter.flush();
    }
}

void preactivations(const Word* weights, std::size_t n_blocks, std::size_t n_words, std::int32_t n_inputs,
                    const Word* const* samples, std::size_t n_samples, std::int32_t* z, std::size_t z_stride) {
    const int32x4_t all = vdupq_n_s32(n_inputs);
    for (std::size_t b = 0; b < n_blocks; ++b) {
        const Word* block = weights + b * n_words * kLanes;  // stays in the cache while the samples pass
        for (std::size_t s = 0; s < n_samples; ++s) {
            const Word* sample = samples[s];
            Counter counters[4];
            count_disagreements(
                n_words,
                [=](std::size_t w, std::size_t i) {
                    return veorq_u64(vld1q_u64(block + w * kLanes + 2 * i), vdupq_n_u64(sample[w]));
                },
                counters);
            const auto store = [&](std::int32_t* out, const Counter& first, const Counter& second) {
                const uint32x4_t count = vpaddq_u32(first.total_u32x4, second.total_u32x4);  // one lane a neuron
                vst1q_s32(out, vsubq_s32(all, vreinterpretq_s32_u32(vshlq_n_u32(count, 1))));
            };
            std::int32_t* out = z + s * z_stride + b * kLanes;
            store(out, counters[0], counters[1]);
            store(out + 4, counters[2], counters[3]);
        }
    }
}

// Bits of 64 integers: whether each is >= 0.
inline Word activation_word(const std::int32_t* z) {
    const auto sixteen = [z](std::size_t i) {
        return upper_bytes(upper_halves(vld1q_s32(z + i), vld1q_s32(z + i + 4)),
                           upper_halves(vld1q_s32(z + i + 8), vld1q_s32(z + i + 12)));
    };
    return non_negative(sixteen(0), sixteen(16), sixteen(32), sixteen(48));
}

void activations(const std::int32_t* z, std::size_t n_neurons, Word* a) {
    const std::size_t whole = n_neurons / kWordBits;
    for (std::size_t w = 0; w < whole; ++w) a[w] = activation_word(z + w * kWordBits);
    if (const std::size_t rest = n_neurons % kWordBits) {
        std::int32_t last[kWordBits] = {};
        std::memcpy(last, z + whole * kWordBits, rest * sizeof *z);
        a[whole] = activation_word(last) & word_mask(n_neurons, whole);
    }
}

// The place of the smallest of `size` distances, the first of equals, or -1 if all are INT32_MAX. Up to three more may
// be read.
inline std::int32_t nearest(const std::int32_t* distance, std::size_t size) {
    const int32x4_t never = vdupq_n_s32(INT32_MAX);
    int32x4_t least = never;
    std::size_t i = 0;
    for (; i + 4 <= size; i += 4) least = vminq_s32(least, vld1q_s32(distance + i));
    if (i < size) {  // lanes beyond the group never win
        constexpr std::int32_t kLane[4] = {0, 1, 2, 3};
        const uint32x4_t inside = vcltq_s32(vld1q_s32(kLane), vdupq_n_s32(static_cast<std::int32_t>(size - i)));
        least = vminq_s32(least, vbslq_s32(inside, vld1q_s32(distance + i), never));
    }
    const std::int32_t smallest = vminvq_s32(least);
    if (smallest == INT32_MAX) return -1;
    for (i = 0;; i += 4) {  // the first that equals the smallest; it exists
        const uint32x4_t equal = vceqq_s32(vld1q_s32(distance + i), vdupq_n_s32(smallest));
        const std::uint64_t mask = vget_lane_u64(vreinterpret_u64_u16(vmovn_u32(equal)), 0);  // 16 bits a lane
        if (mask != 0) return static_cast<std::int32_t>(i) + first_one(mask) / 16;
    }
}

void choose(std::int32_t* z, const Word* desired, std::size_t n_groups, std::size_t group_size, std::int32_t* chosen,
            std::size_t chosen_stride) {
    constexpr std::uint32_t kBit[4] = {1, 2, 4, 8};
    const uint32x4_t bit = vld1q_u32(kBit);
    // z becomes the distance to fix a neuron: |z| of a wrong neuron, INT32_MAX of any other.
    const std::size_t n = n_groups * group_size;
    for (std::size_t k = 0; k < n; k += 4) {
        const auto bits = static_cast<std::uint32_t>(desired[k / kWordBits] >> (k % kWordBits));
        const uint32x4_t wanted = vtstq_u32(vdupq_n_u32(bits), bit);
        const int32x4_t v = vld1q_s32(z + k);
        const uint32x4_t wrong = vbslq_u32(wanted, vcltzq_s32(v), vcgtzq_s32(v));
        vst1q_s32(z + k, vbslq_s32(wrong, vabsq_s32(v), vdupq_n_s32(INT32_MAX)));
    }
    for (std::size_t g = 0; g < n_groups; ++g) chosen[g * chosen_stride] = nearest(z + g * group_size, group_size);
}

// Where a table lookup takes the bytes from that spread a word over four vectors: byte i of part p is byte 2 p + i / 8
// of the word.
inline uint8x16_t spread_index(std::uint8_t part) {
    constexpr std::uint8_t kHalf[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
    return vaddq_u8(vld1q_u8(kHalf), vdupq_n_u8(static_cast<std::uint8_t>(2 * part)));
}

// Updates the 64 counters of word w and returns their weight bits.
inline Word update_word(std::int16_t* h, const Word* const* samples, const std::uint8_t* desired, std::size_t n_samples,
                        std::size_t w, int16x8_t low, int16x8_t high) {
    const uint8x16_t bit = bit_of_byte();
    const uint8x16_t index[4] = {spread_index(0), spread_index(1), spread_index(2), spread_index(3)};
    // How many samples agree, for each synapse.
    uint16x8_t agreements[8] = {vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0),
                                vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0)};
    for (std::size_t s = 0; s < n_samples;) {
        const std::size_t end = smaller(n_samples, s + 255);  // a byte counts to 255
        uint8x16_t count[4] = {vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0)};
        for (; s < end; ++s) {
            const uint8x16_t agree = vreinterpretq_u8_u64(vdupq_n_u64(samples[s][w] ^ (Word{desired[s]} - 1)));
            for (std::size_t p = 0; p < 4; ++p)  // -1 where the bit is set
                count[p] = vsubq_u8(count[p], vtstq_u8(vqtbl1q_u8(agree, index[p]), bit));
        }
        for (std::size_t p = 0; p < 4; ++p) {
            agreements[2 * p] = vaddw_u8(agreements[2 * p], vget_low_u8(count[p]));
            agreements[2 * p + 1] = vaddw_high_u8(agreements[2 * p + 1], count[p]);
        }
    }
    // Each agreement adds one and each disagreement takes one away: 2 * agree - n. It fits 16 bits, so a saturating
    // addition followed by the clamp is the clamped exact sum.
    const uint16x8_t n = vdupq_n_u16(static_cast<std::uint16_t>(n_samples));
    const auto apply = [&](std::size_t part) {
        const int16x8_t step = vreinterpretq_s16_u16(vsubq_u16(vshlq_n_u16(agreements[part], 1), n));
        const int16x8_t sum = vqaddq_s16(vld1q_s16(h + 8 * part), step);
        const int16x8_t clamped = vminq_s16(vmaxq_s16(sum, low), high);
        vst1q_s16(h + 8 * part, clamped);
        return clamped;
    };
    const int8x16_t a = upper_bytes(apply(0), apply(1));
    const int8x16_t b = upper_bytes(apply(2), apply(3));
    const int8x16_t c = upper_bytes(apply(4), apply(5));
    const int8x16_t d = upper_bytes(apply(6), apply(7));
    return non_negative(a, b, c, d);
}

void update(std::int16_t* h, std::size_t n_inputs, const Word* const* samples, const std::uint8_t* desired,
            std::size_t n_samples, std::int16_t h_min, std::int16_t h_max, Word* weight) {
    if (n_samples > 32767) {  // steps would not fit 16 bits
        kPortableKernels.rule.update(h, n_inputs, samples, desired, n_samples, h_min, h_max, weight);
        return;
    }
    const int16x8_t low = vdupq_n_s16(h_min), high = vdupq_n_s16(h_max);
    const std::size_t whole = n_inputs / kWordBits;
    for (std::size_t w = 0; w < whole; ++w)
        weight[w * kLanes] = update_word(h + w * kWordBits, samples, desired, n_samples, w, low, high);
    if (const std::size_t rest = n_inputs % kWordBits) {
        std::int16_t last[kWordBits] = {};
        std::memcpy(last, h + whole * kWordBits, rest * sizeof *h);
        weight[whole * kLanes] =
            update_word(last, samples, desired, n_samples, whole, low, high) & word_mask(n_inputs, whole);
        std::memcpy(h + whole * kWordBits, last, rest * sizeof *h);
    }
}

// Philox4x32-10, two blocks to a vector and two vectors side by side.
void random_words(const std::uint32_t* key, const std::uint32_t* counter, std::size_t n_blocks, std::uint64_t* words) {
    static_assert(kBlocksAtOnce == 4);
    struct Pair {
        uint32x2_t c0, c1, c2, c3;
    };
    for (std::size_t b = 0; b < n_blocks; b += kBlocksAtOnce) {
        const uint32x2_t c1 = vdup_n_u32(counter[1]), c2 = vdup_n_u32(counter[2]), c3 = vdup_n_u32(counter[3]);
        const std::uint32_t block = counter[0] + static_cast<std::uint32_t>(b);
        const std::uint32_t numbers[kBlocksAtOnce] = {block, block + 1, block + 2, block + 3};
        Pair pairs[2] = {{vld1_u32(numbers), c1, c2, c3}, {vld1_u32(numbers + 2), c1, c2, c3}};
        std::uint32_t k0 = key[0], k1 = key[1];
        for (int round = 0; round < 10; ++round) {
            for (Pair& p : pairs) {
                const uint64x2_t p0 = vmull_u32(p.c0, vdup_n_u32(0xD2511F53));
                const uint64x2_t p1 = vmull_u32(p.c2, vdup_n_u32(0xCD9E8D57));
                p = {veor_u32(veor_u32(vshrn_n_u64(p1, 32), p.c1), vdup_n_u32(k0)), vmovn_u64(p1),
                     veor_u32(veor_u32(vshrn_n_u64(p0, 32), p.c3), vdup_n_u32(k1)), vmovn_u64(p0)};
            }
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        for (std::size_t i = 0; i < 2; ++i) {  // the integers of both blocks, in turn
            const uint32x2x4_t integers = {{pairs[i].c0, pairs[i].c1, pairs[i].c2, pairs[i].c3}};
            std::uint32_t flat[8];
            vst4_u32(flat, integers);
            std::memcpy(words + 2 * (b + 2 * i), flat, sizeof flat);
        }
    }
}

std::uint64_t peak(std::uint64_t n_rounds) {
    const uint64x2_t weights[4] = {vld1q_u64(kPeakWeights), vld1q_u64(kPeakWeights + 2), vld1q_u64(kPeakWeights + 4),
                                   vld1q_u64(kPeakWeights + 6)};
    uint64x2_t sample = vdupq_n_u64(0), sum = sample;
    for (std::uint64_t r = 0; r < n_rounds; ++r) {
        sample = vaddq_u64(sample, vdupq_n_u64(kPeakStep));
        Counter counters[4];
        count_disagreements(
            kPeakWords,
            [&](std::size_t, std::size_t i) {
                asm volatile("" : "+w"(sample));  // the same as before, but the compiler cannot know
                return veorq_u64(weights[i], sample);
            },
            counters);
        for (const Counter& counter : counters) sum = vpadalq_u32(sum, counter.total_u32x4);
    }
    return vaddvq_u64(sum);
}

}  // namespace

const KernelSet kNeonKernels = {
    "neon", {preactivations, activations, choose, update, random_words}, {masked_popcounts, count_nearest}, peak};

}  // namespace bitlocal
