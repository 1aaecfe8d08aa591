// Kernels for x86-64 with POPCNT and SSE4.2 but no AVX2: Nehalem (2008), Bulldozer (2011) and their successors.
#include "kernels/scalar.hpp"

namespace bitlocal {

const KernelSet kPopcntKernels = {
    "popcnt", {preactivations, activations, choose, update, random_words}, {masked_popcounts, count_nearest}, peak};

}  // namespace bitlocal
