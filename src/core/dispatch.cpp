#include "dispatch.hpp"

namespace bitlocal {

const Kernels& kernels() {
    static const Kernels& chosen = kPortableKernels;
    return chosen;
}

}  // namespace bitlocal
