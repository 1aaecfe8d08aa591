// A toy layer that learns: a convolution in one dimension. Each filter looks at a patch of consecutive bits at every
// position, with the same synapses, so what a sample chooses in a group is a filter and a position. One file is all
// that a new kind of trained layer takes.
#pragma once

#include <vector>

#include "layers/layer.hpp"

namespace seams {

using namespace bitlocal;

struct ConvolutionShape {
    std::size_t n_inputs, patch, stride, n_filters, group_size;  // the group size divides the number of filters

    std::size_t n_positions() const { return (n_inputs - patch) / stride + 1; }
};

// Output f * n_positions + p is filter f at position p: a group of filters is a run of outputs, as `choose` wants it.
class Convolution final : public Trained {
  public:
    explicit Convolution(const ConvolutionShape& shape) : shape_(shape), counters_(shape.n_filters, shape.patch, {}) {}

    std::size_t n_inputs() const override { return shape_.n_inputs; }
    std::size_t n_outputs() const override { return shape_.n_filters * shape_.n_positions(); }
    std::size_t z_stride() const override { return blocks_for(n_outputs()) * kLanes; }
    std::size_t n_groups() const override { return shape_.n_filters / shape_.group_size; }
    std::size_t group_size() const override { return shape_.group_size; }

    void forward(const Context& context, const Word* const* in, std::size_t n, std::int32_t* z,
                 Word* const* out) const override {
        const std::size_t n_positions = shape_.n_positions();
        const WeightBlocks& w = counters_.blocks();
        const std::size_t stride = w.n_blocks() * kLanes;
        BitMatrix patches(n_positions, shape_.patch);
        std::vector<const Word*> rows(n_positions);
        std::vector<std::int32_t> of_filters(n_positions * stride);
        for (std::size_t s = 0; s < n; ++s) {
            for (std::size_t p = 0; p < n_positions; ++p) {
                copy_patch(in[s], p, patches.row(p));
                rows[p] = patches.row(p);
            }
            context.kernels.preactivations(w.data(), w.n_blocks(), w.n_words(), static_cast<std::int32_t>(shape_.patch),
                                           rows.data(), n_positions, of_filters.data(), stride);
            std::int32_t* z_of_sample = z + s * z_stride();
            for (std::size_t f = 0; f < shape_.n_filters; ++f)
                for (std::size_t p = 0; p < n_positions; ++p)
                    z_of_sample[f * n_positions + p] = of_filters[p * stride + f];
            context.kernels.activations(z_of_sample, n_outputs(), out[s]);
        }
    }
    void choose(const Context& context, std::int32_t* z, const Word* wanted, std::int32_t* chosen,
                std::size_t chosen_stride) const override {
        context.kernels.choose(z, wanted, n_groups(), outputs_of_group(), chosen, chosen_stride);
    }
    std::size_t update(const Context& context, std::size_t begin, std::size_t end, const Choices& choices,
                       UpdateScratch& scratch) override {
        const std::size_t group = begin / shape_.group_size;
        const std::int32_t* chosen = choices.chosen + group * choices.chosen_stride;
        BitMatrix patches(choices.size, shape_.patch);
        std::size_t n_updates = 0;
        for (std::size_t f = begin; f < end; ++f) {
            std::size_t n = 0;
            for (std::size_t s = 0; s < choices.size; ++s) {
                if (!choices.errors[s] || chosen[s] < 0) continue;
                const std::size_t output = group * outputs_of_group() + static_cast<std::size_t>(chosen[s]);
                if (output / shape_.n_positions() != f) continue;
                copy_patch(choices.inputs[s], output % shape_.n_positions(), patches.row(s));
                scratch.samples[n] = patches.row(s);
                if (choices.repeats != nullptr) scratch.repeats[n] = choices.repeats[s];
                scratch.desired[n++] = get_bit(choices.wanted[s], output) ? 1 : 0;
            }
            if (n > 0)
                n_updates += counters_.update(context.kernels, f, scratch.samples.data(), scratch.desired.data(),
                                              choices.repeats == nullptr ? nullptr : scratch.repeats.data(), n);
        }
        return n_updates;
    }

    using Trained::counters;
    Counters& counters() override { return counters_; }

  private:
    std::size_t outputs_of_group() const { return shape_.group_size * shape_.n_positions(); }

    void copy_patch(const Word* in, std::size_t position, Word* patch) const {
        for (std::size_t w = 0; w < words_for(shape_.patch); ++w) patch[w] = 0;
        for (std::size_t j = 0; j < shape_.patch; ++j)
            patch[j / kWordBits] |= Word{get_bit(in, position * shape_.stride + j)} << (j % kWordBits);
    }

    ConvolutionShape shape_;
    Counters counters_;
};

}  // namespace seams
