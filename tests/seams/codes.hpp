// A toy teacher: activations that spell the number of the class again and again, instead of random rows; whoever is
// nearest wins. One file is all that a new kind of target takes.
#pragma once

#include <bit>

#include "layers/teacher.hpp"

namespace seams {

using namespace bitlocal;

class Codes final : public Teacher {
  public:
    Codes(std::size_t n_inputs, std::size_t n_classes) : n_inputs_(n_inputs), rows_(n_classes, n_inputs) {
        for (std::size_t c = 0; c < n_classes; ++c)
            for (std::size_t k = 0; k < n_inputs; ++k)
                rows_.row(c)[k / kWordBits] |= Word{(c + 1) >> (k % 4) & 1} << (k % kWordBits);
    }

    std::size_t n_inputs() const override { return n_inputs_; }
    std::size_t n_targets() const override { return rows_.n_rows(); }
    std::size_t n_logits() const override { return rows_.n_rows(); }

    void draw(std::uint64_t, std::uint32_t) override {}
    void logits(const Context&, const Word* const* a, std::size_t n, std::int32_t* o) const override {
        for (std::size_t s = 0; s < n; ++s)
            for (std::size_t c = 0; c < n_logits(); ++c) {
                std::int32_t apart = 0;
                for (std::size_t w = 0; w < rows_.n_words(); ++w) apart += std::popcount(a[s][w] ^ rows_.row(c)[w]);
                o[s * o_stride() + c] = -apart;
            }
    }
    void judge(const std::int32_t* o, const std::int32_t* targets, std::size_t n, Verdict* verdicts) const override {
        for (std::size_t s = 0; s < n; ++s, o += o_stride()) {
            bool nearest = true;
            for (std::size_t c = 0; c < n_logits(); ++c)
                if (static_cast<std::int32_t>(c) != targets[s]) nearest = nearest && o[c] < o[targets[s]];
            verdicts[s] = {nearest, !nearest};
        }
    }
    const Word* wanted(std::int32_t target) const override { return rows_.row(static_cast<std::size_t>(target)); }

    const BitMatrix& rows() const override { return rows_; }
    void set_rows(const Word*) override {}

  private:
    std::size_t n_inputs_;
    BitMatrix rows_;
};

}  // namespace seams
