// Kernels for AVX-512 with VPOPCNTDQ: Ice Lake (2019), Sapphire Rapids (2023), Zen 4 (2022) and their successors.
//
// VPOPCNTQ counts a word a lane. One level of carry-save adders still pays: two words cost three VPTERNLOG, a count and
// an addition, instead of two each of exclusive or, count and addition, and half of the counts, which some processors
// start only once a cycle. Counts are in 64-bit lanes: no overflow.
#include "kernels/avx512.hpp"

namespace bitlocal {
namespace {

struct Count {
    static constexpr std::size_t kDepth = 1;
    static constexpr std::size_t kStepsPerFlush = SIZE_MAX;
    // 16 registers for the tile's sums, 4 for its weights: 32 there are.
    static constexpr std::size_t kBlocks = 2, kSamples = 4;

    BITLOCAL_INLINE static __m512i bits(__m512i v) { return _mm512_popcnt_epi64(v); }
    BITLOCAL_INLINE static __m512i add(__m512i a, __m512i b) { return _mm512_add_epi64(a, b); }
    BITLOCAL_INLINE static __m512i sum(__m512i counts) { return counts; }
};

}  // namespace

const KernelSet kAvx512VpopcntdqKernels = {"avx512vpopcntdq",
                                           {preactivations<Count>, activations, choose, update, random_words},
                                           {masked_popcounts, count_nearest},
                                           peak<Count>};

}  // namespace bitlocal
