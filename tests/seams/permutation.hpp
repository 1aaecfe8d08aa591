// A toy layer: the bits below in another order. One file is all that a new fixed layer takes.
#pragma once

#include <algorithm>

#include "layers/pool.hpp"

namespace seams {

using namespace bitlocal;

class Permutation final : public Pool {
  public:
    // Bit k of the output is bit order[k] of the input.
    explicit Permutation(std::vector<std::size_t> order) : order_(std::move(order)) {}

    std::size_t n_inputs() const override { return order_.size(); }
    std::size_t n_outputs() const override { return order_.size(); }

    void forward(const Context&, const Word* const* in, std::size_t n, std::int32_t*, Word* const* out) const override {
        for (std::size_t s = 0; s < n; ++s) {
            std::fill_n(out[s], words_for(order_.size()), Word{0});
            for (std::size_t k = 0; k < order_.size(); ++k)
                out[s][k / kWordBits] |= Word{get_bit(in[s], order_[k])} << (k % kWordBits);
        }
    }
    void hand_down(const Word* wanted_out, Word* wanted_in) const override {
        std::fill_n(wanted_in, words_for(order_.size()), Word{0});
        for (std::size_t k = 0; k < order_.size(); ++k)
            wanted_in[order_[k] / kWordBits] |= Word{get_bit(wanted_out, k)} << (order_[k] % kWordBits);
    }
    void spare(const Word*, const Word*, std::int32_t*, std::size_t) const override {}

  private:
    std::vector<std::size_t> order_;
};

}  // namespace seams
