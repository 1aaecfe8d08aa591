// Random numbers, and what they are for.
#include "random.hpp"

#include <cctype>

#include "checks.hpp"
#include "layers/reinforcement.hpp"

namespace bindings {
namespace {

using namespace nb::literals;

Output<std::uint64_t, 1> random_words(std::uint64_t seed, std::uint32_t purpose, std::uint32_t layer,
                                      std::uint32_t step, std::uint32_t row, std::size_t n) {
    require(purpose < (1u << 8) && layer < (1u << 24), "expected purpose < 2^8 and layer < 2^24");
    bitlocal::RandomStream stream(seed, static_cast<bitlocal::Purpose>(purpose), layer, step, row);
    std::vector<std::uint64_t> words(n);
    for (std::size_t i = 0; i < n; ++i) words[i] = stream[i];
    return to_numpy(std::move(words), n);
}

Output<std::uint32_t, 1> permutation(std::uint64_t seed, std::uint32_t purpose, std::uint32_t step, std::uint32_t n,
                                     std::uint32_t row) {
    std::vector<std::uint32_t> order(n);
    bitlocal::permutation(seed, static_cast<bitlocal::Purpose>(purpose), step, order.data(), n, row);
    return to_numpy(std::move(order), std::size_t{n});
}

}  // namespace

void add_random(nb::module_& m) {
    auto purposes = nb::enum_<bitlocal::Purpose>(m, "Purpose", nb::is_arithmetic(),
                                                 "What a stream of random numbers is for; see docs/algorithm.md.");
    for (const auto& [name, purpose] : bitlocal::kPurposes) purposes.value(name, purpose);
    m.def("random_words", &random_words, "seed"_a, "purpose"_a, "layer"_a, "step"_a, "row"_a, "n"_a,
          "The first n 64-bit words of a random stream.");
    m.def("permutation", &permutation, "seed"_a, "purpose"_a, "step"_a, "n"_a, "row"_a = 0,
          "A permutation of 0 ... n - 1.");
    m.attr("longest_gap") = bitlocal::GapTable::kMaxGap;
}

}  // namespace bindings
