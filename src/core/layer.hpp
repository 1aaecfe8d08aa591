// One layer: its hidden weights, binary weights and local random classifier, and the steps of the learning rule
// (docs/algorithm.md, section 2), each as one function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bits.hpp"
#include "reinforcement.hpp"

namespace bitlocal {

struct LayerShape {
    std::size_t n_inputs;
    std::size_t n_neurons;
    std::size_t n_classes;
    std::size_t group_size;  // divides n_neurons
    std::int32_t margin;     // of the error signal: floor(robustness * n_outputs)
    std::int16_t h_min = INT16_MIN;
    std::int16_t h_max = INT16_MAX;
    // Variants of the rule (docs/algorithm.md, section 4).
    bool majority = false;  // each group is a majority unit, and only these units reach the local classifier
    bool frozen = false;    // the hidden weights stay as they were drawn

    std::size_t n_groups() const { return n_neurons / group_size; }
    // What the local classifier and the next layer get: activations, or those of the majority units.
    std::size_t n_outputs() const { return majority ? n_groups() : n_neurons; }
    // Rows of pre-activations and of logits are padded to whole blocks.
    std::size_t z_stride() const { return blocks_for(n_neurons) * kLanes; }
    std::size_t o_stride() const { return blocks_for(n_classes) * kLanes; }
};

// The samples of a mini-batch that chose the neurons of one group; reused from group to group.
struct UpdateScratch {
    std::vector<std::size_t> first;     // per neuron of the group: where its samples begin
    std::vector<const Word*> samples;   // the activations that came in, neuron after neuron
    std::vector<std::uint8_t> desired;  // and the desired activation
};

// What a layer noted of a mini-batch in the forward pass, for its update.
struct LayerBatch {
    std::size_t size;            // samples in the mini-batch
    const Word* const* inputs;   // per sample: the activations that came in
    const std::int32_t* labels;  // per sample
    const std::uint8_t* errors;  // per sample: the error signal e
    const std::int32_t* chosen;  // [group * chosen_stride + sample], valid where e = 1
    std::size_t chosen_stride;
};

class Layer {
  public:
    explicit Layer(const LayerShape& shape);

    const LayerShape& shape() const { return shape_; }

    // Draws hidden weights and local classifier. `index` counts layers from 1.
    void initialise(std::uint64_t seed, std::uint32_t index);
    // Draws the hidden weights alone.
    void draw_counters(std::uint64_t seed, std::uint32_t index);

    // Counters h, n_neurons rows of n_inputs; empty in a layer that can only infer.
    const std::vector<std::int16_t>& counters() const { return h_; }
    void set_counters(const std::int16_t* h);
    // Binary weights, n_neurons rows of words_for(n_inputs); setting them drops the hidden weights.
    BitMatrix weights() const;
    void set_weights(const Word* rows);
    // Local classifier, n_classes rows of words_for(n_outputs).
    const BitMatrix& local_classifier() const { return p_; }
    void set_local_classifier(const Word* rows);
    // Makes row c of the local classifier the binary weights of neuron c of another layer.
    void set_local_classifier_row(std::size_t c, const Layer& classifier);

    // Step 1. z: n rows of z_stride(); a: n rows of outputs.
    void forward(const Word* const* inputs, std::size_t n, std::int32_t* z, Word* const* a) const;
    // Step 1. o: n rows of o_stride().
    void logits(const Word* const* a, std::size_t n, std::int32_t* o) const;
    // Step 2. The predicted class, and whether the sample teaches.
    struct Verdict {
        std::int32_t predicted;
        bool error;
    };
    Verdict error_signal(const std::int32_t* o, std::int32_t label) const;
    // Steps 3 to 5, from pre-activations and outputs. z, with kLanes integers more behind it, is used up.
    void choose(std::int32_t* z, const Word* a, std::int32_t label, std::int32_t* chosen,
                std::size_t chosen_stride) const;
    // Step 6, for neurons begin ... end - 1, all of one group. Returns how many neurons were updated, each time
    // counted.
    std::size_t update(std::size_t begin, std::size_t end, const LayerBatch& batch, UpdateScratch& scratch);
    // Step 7, for neurons begin ... end - 1, in mini-batch `step`.
    ReinforcementCounts reinforce(std::size_t begin, std::size_t end, const GapTable& gaps, std::uint64_t seed,
                                  std::uint32_t index, std::uint32_t step);

  private:
    std::int16_t* row(std::size_t k) { return h_.data() + k * shape_.n_inputs; }
    void refresh(std::size_t k);
    // Row c holds the desired activations of class c, one a neuron.
    const BitMatrix& desired() const { return shape_.majority ? spread_ : p_; }

    LayerShape shape_;
    std::vector<std::int16_t> h_;
    WeightBlocks w_;
    BitMatrix p_;            // rows of the local classifier
    WeightBlocks p_blocks_;  // the same bits, for the logits
    BitMatrix spread_;       // with majority units: each bit of p_ once for every neuron of its unit
};

}  // namespace bitlocal
