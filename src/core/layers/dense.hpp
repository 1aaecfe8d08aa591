// Neurons that each have a synapse to every bit that comes in, in consecutive groups.
#pragma once

#include "layers/layer.hpp"

namespace bitlocal {

struct DenseShape {
    std::size_t n_inputs;
    std::size_t n_neurons;
    std::size_t group_size;  // divides n_neurons
    CounterRange range = {};
};

class Dense final : public Trained {
  public:
    explicit Dense(const DenseShape& shape)
        : group_size_(shape.group_size), counters_(shape.n_neurons, shape.n_inputs, shape.range) {}

    std::size_t n_inputs() const override { return counters_.n_inputs(); }
    std::size_t n_outputs() const override { return counters_.n_rows(); }
    std::size_t z_stride() const override { return counters_.blocks().n_blocks() * kLanes; }
    std::size_t n_groups() const override { return counters_.n_rows() / group_size_; }
    std::size_t group_size() const override { return group_size_; }

    void forward(const Context&, const Word* const* in, std::size_t n, std::int32_t* z,
                 Word* const* out) const override;
    void choose(const Context&, std::int32_t* z, const Word* wanted, std::int32_t* chosen,
                std::size_t chosen_stride) const override;
    std::size_t update(const Context&, std::size_t begin, std::size_t end, const Choices&, UpdateScratch&) override;

    using Trained::counters;
    Counters& counters() override { return counters_; }

  private:
    std::size_t group_size_;
    Counters counters_;
};

}  // namespace bitlocal
