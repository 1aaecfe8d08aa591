// Hidden weights as counters, and the binary weights that follow from them: rows of synapses, whatever they connect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bits.hpp"
#include "kernels/kernels.hpp"
#include "layers/reinforcement.hpp"

namespace bitlocal {

struct CounterRange {
    std::int16_t low = INT16_MIN;
    std::int16_t high = INT16_MAX;
};

// How often a sample counts in a mini-batch, at most: a counter has no more steps.
inline constexpr std::uint32_t kMaxRepeats = INT16_MAX;

class Counters {
  public:
    Counters(std::size_t n_rows, std::size_t n_inputs, CounterRange range);

    std::size_t n_rows() const { return n_rows_; }
    std::size_t n_inputs() const { return n_inputs_; }
    CounterRange range() const { return range_; }

    // Draws the hidden weights. `index` counts layers from 1.
    void draw(std::uint64_t seed, std::uint32_t index);

    // Counters h, n_rows of n_inputs; empty where there is only inference.
    const std::vector<std::int16_t>& hidden() const { return h_; }
    void set_hidden(const std::int16_t* h);
    // Binary weights W, n_rows of words_for(n_inputs); setting them drops the hidden weights.
    BitMatrix weights() const;
    void set_weights(const Word* rows);
    // The same for the kernels.
    const WeightBlocks& blocks() const { return w_; }

    // Step 6, for one row: adds the samples, clamps once, and refreshes the row's binary weights. Returns how many
    // samples were added, each as often as it counts.
    //   repeats   per sample, how often it counts; null where each counts once
    std::size_t update(const RuleKernels& kernels, std::size_t row, const Word* const* samples,
                       const std::uint8_t* desired, const std::uint32_t* repeats, std::size_t n_samples);
    // Step 7, for rows begin ... end - 1, in mini-batch `step`.
    ReinforcementCounts reinforce(const RuleKernels& kernels, std::size_t begin, std::size_t end, const GapTable& gaps,
                                  std::uint64_t seed, std::uint32_t index, std::uint32_t step);

  private:
    std::int16_t* hidden_row(std::size_t row) { return h_.data() + row * n_inputs_; }
    void add_repeated(std::size_t row, std::size_t w, const Word* const* samples, const std::uint8_t* desired,
                      const std::uint32_t* repeats, std::size_t n_samples);
    void refresh(std::size_t row);

    std::size_t n_rows_;
    std::size_t n_inputs_;
    CounterRange range_;
    std::vector<std::int16_t> h_;
    WeightBlocks w_;
};

}  // namespace bitlocal
