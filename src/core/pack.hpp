// Bits into words: unpacked ones, one a byte, and codes one after the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "bits.hpp"

namespace bitlocal {

// n bytes, each 0 or 1, into words_for(n) words; the padding is zero.
inline void pack_row(const std::uint8_t* bytes, std::size_t n, Word* words) {
    for (std::size_t w = 0; w < words_for(n); ++w) {
        const std::size_t first = w * kWordBits;
        const std::size_t width = n - first < kWordBits ? n - first : kWordBits;
        Word word = 0;
        for (std::size_t i = 0; i < width; ++i) word |= Word{bytes[first + i]} << i;
        words[w] = word;
    }
}

// Appends bits to a row, a word at a time.
class BitWriter {
  public:
    BitWriter(Word* row, std::size_t first_bit) : word_(row + first_bit / kWordBits), filled_(first_bit % kWordBits) {}
    ~BitWriter() {
        if (filled_ > 0) *word_ |= pending_;
    }
    BitWriter(const BitWriter&) = delete;
    BitWriter& operator=(const BitWriter&) = delete;

    // n_ones ones and then zeros, n in all.
    void thermometer(std::size_t n_ones, std::size_t n) {
        for (; n > kMost; n -= kMost) {
            const std::size_t here = std::min(n_ones, kMost);
            put((Word{1} << here) - 1, kMost);
            n_ones -= here;
        }
        put((Word{1} << n_ones) - 1, n);
    }

    // The n lowest bits of a code, whose others are zero; kMost at most, so that no shift is by a whole word.
    static constexpr std::size_t kMost = kWordBits - 1;
    void put(Word code, std::size_t n) {
        pending_ |= code << filled_;
        filled_ += n;
        if (filled_ >= kWordBits) {
            *word_++ |= pending_;
            filled_ -= kWordBits;
            pending_ = code >> (n - filled_);
        }
    }

  private:
    Word* word_;
    Word pending_ = 0;
    std::size_t filled_;
};

}  // namespace bitlocal
