// Instruction sets: which there are, which is in use, how fast each can be.
#include "kernels/kernels.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "checks.hpp"
#include "kernels/dispatch.hpp"

namespace bindings {

using namespace nb::literals;

void add_kernels(nb::module_& m) {
    m.def(
        "compiler",
        [] {
#if defined(__clang__)
            return "Clang " __clang_version__;
#elif defined(__GNUC__)
            return "GCC " __VERSION__;
#elif defined(_MSC_VER)
            return "MSVC " + std::to_string(_MSC_VER);
#else
            return "unknown";
#endif
        },
        "Name and version of the compiler that built this module.");
    m.def("instruction_set", [] { return bitlocal::kernels().name; }, "Name of the instruction set in use.");
    m.def(
        "instruction_sets",
        [] {
            std::vector<std::pair<std::string, bool>> sets;
            for (const auto& isa : bitlocal::instruction_sets()) sets.emplace_back(isa.kernels->name, isa.supported);
            return sets;
        },
        "The instruction sets that were compiled in, best first, and whether this processor supports each.");
    m.def(
        "popcount_peak",
        [](const std::string& isa, std::uint64_t n_rounds) {
            const auto& kernels = bitlocal::kernels_of(isa);
            nb::gil_scoped_release released;
            return kernels.peak(n_rounds);
        },
        "isa"_a, "n_rounds"_a,
        "Xor and popcount on registers alone, popcount_peak_bits bits a round, to be timed; returns a checksum.");
    m.attr("popcount_peak_bits") = bitlocal::kPeakBits;
    m.def("use_instruction_set", &bitlocal::use_instruction_set, "name"_a,
          "Use this instruction set from now on; ValueError if it is unknown or not supported.");
}

}  // namespace bindings
