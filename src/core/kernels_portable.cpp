// Kernels for any processor: the reference for all other instruction sets.
#include "kernels_scalar.hpp"

namespace bitlocal {

const Kernels kPortableKernels = {"portable", preactivations, activations,      choose,
                                  update,     random_words,   masked_popcounts, peak};

}  // namespace bitlocal
