#include "kernels/dispatch.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace bitlocal {
namespace {

const KernelSet& find(const std::string& name, const char* asked_by) {
    std::string known;
    for (const InstructionSet& isa : instruction_sets()) {
        known += (known.empty() ? "" : ", ") + std::string(isa.kernels->name);
        if (name != isa.kernels->name) continue;
        if (!isa.supported) throw std::invalid_argument(asked_by + name + "': this processor does not support it");
        return *isa.kernels;
    }
    throw std::invalid_argument(asked_by + name + "': expected one of " + known);
}

const KernelSet& decide() {
    if (const char* wanted = std::getenv("BITLOCAL_ISA"); wanted != nullptr && *wanted != '\0')
        return find(wanted, "BITLOCAL_ISA='");
    for (const InstructionSet& isa : instruction_sets())
        if (isa.supported) return *isa.kernels;
    return kPortableKernels;
}

std::atomic<const KernelSet*> in_use{nullptr};

}  // namespace

const std::vector<InstructionSet>& instruction_sets() {
#ifdef BITLOCAL_X86
    const bool has_avx512bw = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    static const std::vector<InstructionSet> all = {
#ifdef BITLOCAL_X86
        // The compiler's tests of the processor ask the operating system, too, whether it keeps the wide registers.
        {&kAvx512VpopcntdqKernels, has_avx512bw && __builtin_cpu_supports("avx512vpopcntdq")},
        {&kAvx512BwKernels, has_avx512bw},
        {&kAvx2Kernels, __builtin_cpu_supports("avx2") != 0},
        {&kPopcntKernels, __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("sse4.2")},
#endif
#ifdef BITLOCAL_NEON
        {&kNeonKernels, true},  // part of every AArch64 processor
#endif
        {&kPortableKernels, true},
    };
    return all;
}

const KernelSet& kernels() {
    const KernelSet* table = in_use.load(std::memory_order_relaxed);
    if (table == nullptr) {
        table = &decide();
        in_use.store(table, std::memory_order_relaxed);
    }
    return *table;
}

const KernelSet& kernels_of(const std::string& name) {
    return find(name, "instruction set '");
}

void use_instruction_set(const std::string& name) {
    in_use.store(&kernels_of(name));
}

}  // namespace bitlocal
