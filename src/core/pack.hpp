// Unpacked bits, one a byte, into words.
#pragma once

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

}  // namespace bitlocal
