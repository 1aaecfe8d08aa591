// Kernels for AVX-512 without VPOPCNTDQ: Skylake-X (2017), Cascade Lake (2019), Cannon Lake (2018).
//
// A nibble is looked up by a byte shuffle, as in avx2.cpp, after three levels of carry-save adders: eight words
// cost 18 VPTERNLOG, one lookup (6) and an addition. Counts are in bytes, which grow by at most 8 a step: 31 steps fit.
#include "kernels/avx512.hpp"

namespace bitlocal {
namespace {

struct Count {
    static constexpr std::size_t kDepth = 3;
    static constexpr std::size_t kStepsPerFlush = 31;
    static constexpr std::size_t kBlocks = 1, kSamples = 2;

    BITLOCAL_INLINE static __m512i bits(__m512i v) {
        const __m512i lut = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
        const __m512i low = _mm512_set1_epi8(0x0F);
        return _mm512_add_epi8(_mm512_shuffle_epi8(lut, _mm512_and_si512(v, low)),
                               _mm512_shuffle_epi8(lut, _mm512_and_si512(_mm512_srli_epi16(v, 4), low)));
    }
    BITLOCAL_INLINE static __m512i add(__m512i a, __m512i b) { return _mm512_add_epi8(a, b); }
    BITLOCAL_INLINE static __m512i sum(__m512i counts) { return _mm512_sad_epu8(counts, _mm512_setzero_si512()); }
};

}  // namespace

const KernelSet kAvx512BwKernels = {"avx512bw",
                                    {preactivations<Count>, activations, choose, update, random_words},
                                    {masked_popcounts, count_nearest},
                                    peak<Count>};

}  // namespace bitlocal
