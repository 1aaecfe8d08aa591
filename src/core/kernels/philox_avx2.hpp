// Random numbers in bulk, for the kernels that are compiled with AVX2 or more. In an unnamed namespace, since it must
// not be shared with other files.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"

namespace bitlocal {
namespace {

// Philox4x32-10, four blocks side by side: each 64-bit lane holds one of a block's integers in its low half. What the
// high halves hold does no harm: the multiplication ignores it, and so does what is written.
void random_words(const std::uint32_t* key, const std::uint32_t* counter, std::size_t n_blocks, std::uint64_t* words) {
    static_assert(kBlocksAtOnce == 4);
    const auto all = [](std::uint32_t v) { return _mm256_set1_epi64x(v); };
    const __m256i m0 = all(0xD2511F53), m1 = all(0xCD9E8D57);
    // In this order of blocks, unpacking words in pairs puts them into theirs.
    __m256i block = _mm256_add_epi64(all(counter[0]), _mm256_setr_epi64x(0, 2, 1, 3));
    for (std::size_t b = 0; b < n_blocks; b += kBlocksAtOnce) {
        __m256i c0 = block, c1 = all(counter[1]), c2 = all(counter[2]), c3 = all(counter[3]);
        __m256i k0 = all(key[0]), k1 = all(key[1]);
        for (int round = 0; round < 10; ++round) {
            const __m256i p0 = _mm256_mul_epu32(m0, c0), p1 = _mm256_mul_epu32(m1, c2);
            c0 = _mm256_xor_si256(_mm256_srli_epi64(p1, 32), _mm256_xor_si256(c1, k0));
            c2 = _mm256_xor_si256(_mm256_srli_epi64(p0, 32), _mm256_xor_si256(c3, k1));
            c1 = p1;
            c3 = p0;
            k0 = _mm256_add_epi64(k0, all(0x9E3779B9));
            k1 = _mm256_add_epi64(k1, all(0xBB67AE85));
        }
        const __m256i first = _mm256_blend_epi32(c0, _mm256_slli_epi64(c1, 32), 0b10101010);
        const __m256i second = _mm256_blend_epi32(c2, _mm256_slli_epi64(c3, 32), 0b10101010);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(words + 2 * b), _mm256_unpacklo_epi64(first, second));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(words + 2 * b + 4), _mm256_unpackhi_epi64(first, second));
        block = _mm256_add_epi64(block, all(kBlocksAtOnce));
    }
}

}  // namespace
}  // namespace bitlocal
