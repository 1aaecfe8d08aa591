// Kernels for any processor: the reference for all other instruction sets.
#include "kernels/scalar.hpp"

namespace bitlocal {

const KernelSet kPortableKernels = {
    "portable", {preactivations, activations, choose, update, random_words}, {masked_popcounts, count_nearest}, peak};

}  // namespace bitlocal
