// Counts of the nearest words of a code book: the same code for every instruction set, whose compiler makes vectors of
// it.
//
// Words lie across (SlicedWords): a strip is one bit of 256 words, and numbers of 256 words are strips, one for each of
// their bits. Adders are of bits, one word a lane of one bit: no popcount, and only bits that are on in the row are
// looked at, since
//     popcount(word xor row) = on(word) + 2 off(word, row) - on(row),
// where on counts bits that are on and off those that are on in the row and off in the word. on(row) is the same for
// all words; the rest is a strip's sum, which begins at on(word).
#pragma once

#include "kernels/kernels.hpp"

namespace bitlocal {
namespace {  // compiled with the flags of the file that includes it, and not to be shared with others

#ifdef __GNUC__
using Strip [[gnu::vector_size(kStripWords * sizeof(Word)), gnu::may_alias, gnu::aligned(alignof(Word))]] = Word;
#else
struct Strip {
    Word word[kStripWords];

    template <class Operation>
    static Strip each(const Strip& a, const Strip& b, Operation operation) {
        Strip out;
        for (std::size_t i = 0; i < kStripWords; ++i) out.word[i] = operation(a.word[i], b.word[i]);
        return out;
    }
};
inline Strip operator^(const Strip& a, const Strip& b) {
    return Strip::each(a, b, [](Word x, Word y) { return x ^ y; });
}
inline Strip operator&(const Strip& a, const Strip& b) {
    return Strip::each(a, b, [](Word x, Word y) { return x & y; });
}
inline Strip operator|(const Strip& a, const Strip& b) {
    return Strip::each(a, b, [](Word x, Word y) { return x | y; });
}
#endif

// Adds bits b and c to the strip of sums at a; the carries go to `high`.
#define BITLOCAL_ADD(high, a, b, c)                               \
    {                                                             \
        const Strip first = (b), sum = (a) ^ first, second = (c); \
        (high) = ((a) & first) | (sum & second);                  \
        (a) = sum ^ second;                                       \
    }

constexpr std::size_t kBitsAtOnce = 8;

// on(word) + 2 off(word, row) of a strip of words, whose bits go to every stride-th strip of `sums`.
inline void add_bits(const Strip* off, const Strip* on, std::size_t n_planes, const std::uint16_t* bits,
                     std::size_t n_bits, Strip* sums, std::size_t stride) {
    Strip ones = on[1], twos = on[2], fours = on[3];
    sums[0] = on[0];
    for (std::size_t p = 4; p < n_planes; ++p) sums[p * stride] = on[p];
    for (std::size_t i = 0; i < n_bits; i += kBitsAtOnce) {
        const std::uint16_t* bit = bits + i;
        Strip two, other_two, four, other_four, carry;
        BITLOCAL_ADD(two, ones, off[bit[0]], off[bit[1]]);
        BITLOCAL_ADD(other_two, ones, off[bit[2]], off[bit[3]]);
        BITLOCAL_ADD(four, twos, two, other_two);
        BITLOCAL_ADD(two, ones, off[bit[4]], off[bit[5]]);
        BITLOCAL_ADD(other_two, ones, off[bit[6]], off[bit[7]]);
        BITLOCAL_ADD(other_four, twos, two, other_two);
        BITLOCAL_ADD(carry, fours, four, other_four);
        for (std::size_t p = 4; p < n_planes; ++p) {
            const Strip before = sums[p * stride];
            sums[p * stride] = before ^ carry;
            carry = before & carry;
        }
    }
    sums[stride] = ones;
    sums[2 * stride] = twos;
    sums[3 * stride] = fours;
}
#undef BITLOCAL_ADD

// The places of the bits of a row that are on; as many more of the place after the last one as make whole steps.
// Several are written at a time, since a loop of their exact number is guessed wrong by the processor.
constexpr std::size_t kPlacesAtOnce = 4;
inline std::size_t find_bits(const Word* row, std::size_t n_bits, std::uint16_t* bits) {
    constexpr Word kEnd = Word{1} << (kWordBits - 1);  // so that there is always a first one
    std::size_t n = 0;
    for (std::size_t w = 0; w < words_for(n_bits); ++w) {
        Word word = row[w];
        const auto n_here = static_cast<std::size_t>(count_ones(word));
        for (std::size_t i = 0; i < n_here; i += kPlacesAtOnce)
            for (std::size_t k = 0; k < kPlacesAtOnce; ++k, word &= word - 1)
                bits[n + i + k] =
                    static_cast<std::uint16_t>(w * kWordBits + static_cast<std::size_t>(first_one(word | kEnd)));
        n += n_here;
    }
    while (n % kBitsAtOnce != 0) bits[n++] = static_cast<std::uint16_t>(n_bits);
    return n;
}

void count_nearest(const SlicedWords& book, const Word* row, std::size_t n_nearest, Word* scratch,
                   std::uint16_t* counts) {
    std::uint16_t bits[SlicedWords::kMostBits + kBitsAtOnce + kPlacesAtOnce];
    const std::size_t n_bits = find_bits(row, book.n_bits, bits);
    const std::size_t n_strips = strips_for(book.n_words), n_words = words_for(book.n_words);
    static_assert(kStripWords == 4);
    constexpr Word kOnes = ~Word{0};
    const Strip zeros = {0, 0, 0, 0}, ones = {kOnes, kOnes, kOnes, kOnes};
    Strip* sums = reinterpret_cast<Strip*>(scratch);
    for (std::size_t s = 0; s < n_strips; ++s)
        add_bits(reinterpret_cast<const Strip*>(book.off) + s * (book.n_bits + 1),
                 reinterpret_cast<const Strip*>(book.on) + s * book.n_planes, book.n_planes, bits, n_bits, sums + s,
                 n_strips);
    // From the highest bit of the sums down: those that may still be among the nearest, and those that are.
    Word* const left = scratch + book.n_planes * n_strips * kStripWords;
    Word* const nearest = left + n_strips * kStripWords;
    Strip *const left_strips = reinterpret_cast<Strip*>(left), *const nearest_strips = left_strips + n_strips;
    for (std::size_t w = 0; w < n_strips * kStripWords; ++w) left[w] = w < n_words ? word_mask(book.n_words, w) : 0;
    for (std::size_t s = 0; s < n_strips; ++s) nearest_strips[s] = zeros;
    auto wanted = static_cast<std::int32_t>(n_nearest);
    for (std::size_t p = book.n_planes; p-- > 0;) {
        const Strip* bit = sums + p * n_strips;
        std::int32_t n_less = 0;
        for (std::size_t s = 0; s < n_strips; ++s) {
            Word less[kStripWords];
            *reinterpret_cast<Strip*>(less) = left_strips[s] & (bit[s] ^ ones);
            for (std::size_t w = 0; w < kStripWords; ++w) n_less += count_ones(less[w]);
        }
        // Are those with a 0 here all among the nearest? No branch, which would be guessed wrong.
        const Word take = Word{0} - static_cast<Word>(n_less <= wanted);
        const Strip all = {take, take, take, take};
        for (std::size_t s = 0; s < n_strips; ++s) {
            const Strip less = left_strips[s] & (bit[s] ^ ones);
            nearest_strips[s] = nearest_strips[s] | (less & all);
            left_strips[s] = less ^ (left_strips[s] & all);
        }
        wanted -= n_less <= wanted ? n_less : 0;
    }
    for (std::size_t w = 0; wanted > 0; ++w)  // those that are left are equal: the first of them
        for (; wanted > 0 && left[w] != 0; --wanted) {
            nearest[w] |= left[w] & (~left[w] + 1);
            left[w] &= left[w] - 1;
        }
    for (std::size_t w = 0; w < n_words; ++w)
        for (Word word = nearest[w]; word != 0; word &= word - 1)
            ++counts[w * kWordBits + static_cast<std::size_t>(first_one(word))];
}

}  // namespace
}  // namespace bitlocal
