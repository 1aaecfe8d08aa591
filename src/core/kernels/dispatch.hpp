// Which kernels this process uses: the best that the processor can run, decided once, unless told otherwise.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.hpp"

namespace bitlocal {

struct InstructionSet {
    const KernelSet* kernels;
    bool supported;  // by this processor and operating system
};

// What was compiled in, best first; the last one, portable, is always supported.
const std::vector<InstructionSet>& instruction_sets();

// The table in use. The first call decides: BITLOCAL_ISA if it is set, the best supported otherwise.
// Throws std::invalid_argument if BITLOCAL_ISA names none that can run here.
const KernelSet& kernels();

// The table of an instruction set by its name. Throws std::invalid_argument if it is unknown or cannot run here.
const KernelSet& kernels_of(const std::string& name);

// Uses this instruction set from now on. Throws std::invalid_argument if it is unknown or cannot run here; then nothing
// changes. Not to be called while another thread trains or infers.
void use_instruction_set(const std::string& name);

}  // namespace bitlocal
