// Fixed layers above one that learns: they make fewer bits of its activations, and hand wishes down to it.
#pragma once

#include "layers/layer.hpp"

namespace bitlocal {

class Pool : public Layer {
  public:
    // What the bits below should be for the bits above to be as wanted; the same for every sample.
    virtual void hand_down(const Word* wanted_out, Word* wanted_in) const = 0;
    // Takes back the choices of a sample that help nobody, since what lies above them is right already.
    //   chosen   [group * chosen_stride] of the layer below
    virtual void spare(const Word* out, const Word* wanted_out, std::int32_t* chosen,
                       std::size_t chosen_stride) const = 0;
};

struct MajorityShape {
    std::size_t n_inputs;
    std::size_t size;  // divides n_inputs
};

// Majority units: +1 where at least half of the unit's neurons are active. Each is over one group of the layer below.
class Majority final : public Pool {
  public:
    explicit Majority(const MajorityShape& shape) : n_units_(shape.n_inputs / shape.size), size_(shape.size) {}

    std::size_t n_inputs() const override { return n_units_ * size_; }
    std::size_t n_outputs() const override { return n_units_; }

    void forward(const Context&, const Word* const* in, std::size_t n, std::int32_t* z,
                 Word* const* out) const override;
    void hand_down(const Word* wanted_out, Word* wanted_in) const override;
    void spare(const Word* out, const Word* wanted_out, std::int32_t* chosen, std::size_t chosen_stride) const override;

  private:
    std::size_t n_units_;
    std::size_t size_;
};

}  // namespace bitlocal
