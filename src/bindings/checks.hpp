// What all bindings share: types, checks that tell what was expected, and hand-over without copies.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bits.hpp"

namespace bindings {

namespace nb = nanobind;

using bitlocal::Word;

template <class T, std::size_t Dims>
using Input = nb::ndarray<const T, nb::ndim<Dims>, nb::c_contig, nb::device::cpu>;

template <class T, std::size_t Dims>
using Output = nb::ndarray<nb::numpy, T, nb::ndim<Dims>>;

inline void require(bool condition, const std::string& message) {
    if (!condition) throw std::invalid_argument(message);
}

// Hands a vector over to NumPy without a copy.
template <class T, class... Extents>
auto to_numpy(std::vector<T> values, Extents... shape) {
    auto owner = new std::vector<T>(std::move(values));
    nb::capsule capsule(owner, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return Output<T, sizeof...(Extents)>(owner->data(), {shape...}, capsule);
}

inline void require_samples(std::size_t n_inputs, const Input<Word, 2>& samples) {
    const std::size_t n_words = bitlocal::words_for(n_inputs);
    require(samples.shape(1) == n_words,
            "samples: expected rows of " + std::to_string(n_words) + " words, got " + std::to_string(samples.shape(1)));
}

// Each file of bindings has one of these, which adds a subject to the module.
void add_network(nb::module_& m);
void add_trainer(nb::module_& m);
void add_encoding(nb::module_& m);
void add_random(nb::module_& m);
void add_kernels(nb::module_& m);
void add_words(nb::module_& m);

}  // namespace bindings
