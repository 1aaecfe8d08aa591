// Which kernels this process uses.
#pragma once

#include "kernels.hpp"

namespace bitlocal {

// The table in use; decided once, at the first call.
const Kernels& kernels();

}  // namespace bitlocal
