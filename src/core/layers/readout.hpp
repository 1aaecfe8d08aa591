// What answers in place of the last local classifier: integers that learn from the last layer's activations, beside the
// rule, which does not see them (docs/algorithm.md, section 4, "Learned readout").
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bits.hpp"
#include "layers/counters.hpp"
#include "layers/layer.hpp"

namespace bitlocal {

struct ReadoutShape {
    std::size_t n_inputs;   // at most Readout::kMostInputs
    std::size_t n_classes;  // at least 2
    std::int32_t margin;    // what a class must lead by
};

// What the samples of a mini-batch teach a readout.
struct Lessons {
    std::size_t size;              // samples in the mini-batch
    const Word* const* inputs;     // per sample: the activations
    const std::int32_t* labels;    // per sample: its class
    const std::int32_t* rivals;    // per sample: the class that is not far enough behind, or -1
    const std::uint32_t* repeats;  // per sample: how often it counts; null where each counts once
};

// Samples of which a pass learns, as the last layer sees them.
struct ReadoutSet {
    const Word* samples;         // activations: rows of words_for(n_inputs) words
    const std::int32_t* labels;  // one a row
    const std::uint32_t* order;  // n row numbers
    std::size_t n;
    const std::uint64_t* weights;  // one a row, in units of 2^-32; null where each counts once
};

// Where the random numbers of a pass come from.
struct PassStream {
    std::uint64_t seed;
    std::uint32_t layer;
    std::uint32_t first_step;  // of the first mini-batch
};

struct ReadoutCounts {
    std::uint64_t seen = 0;     // samples presented; here and below each as often as it counts
    std::uint64_t correct = 0;  // how many were answered correctly before they were learnt from
    std::uint64_t updates = 0;  // updates of a row by a sample
};

class Readout {
  public:
    // So that logits, and the difference of two, fit 32 bits.
    static constexpr std::size_t kMostInputs = INT16_MAX;

    struct Answer {
        bool correct;
        std::int32_t rival;  // the class that is not far enough behind, or -1
    };

    explicit Readout(const ReadoutShape& shape) : margin_(shape.margin), r_(shape.n_classes, shape.n_inputs, {}) {}

    std::size_t n_inputs() const { return r_.n_inputs(); }
    std::size_t n_classes() const { return r_.n_rows(); }
    // Rows of logits are padded as a teacher's are.
    std::size_t o_stride() const { return blocks_for(n_classes()) * kLanes; }

    // Begins with the rows of a local classifier.
    void start(const BitMatrix& rows);
    // The integers, a row a class.
    const std::vector<std::int16_t>& values() const { return r_.hidden(); }
    void set_values(const std::int16_t* values) { r_.set_hidden(values); }

    // o: n rows of o_stride().
    void logits(const Word* const* a, std::size_t n, std::int32_t* o) const;
    Answer answer(const std::int32_t* o, std::int32_t target) const;
    // Learns the rows of classes begin ... end - 1; returns how many updates there were of a row by a sample.
    std::size_t update(const Context&, std::size_t begin, std::size_t end, const Lessons&, UpdateScratch&);

    // Goes through samples once, in mini-batches. The result does not depend on the number of threads.
    ReadoutCounts pass(const ReadoutSet&, const PassStream&, std::size_t batch_size, std::size_t n_threads);

  private:
    std::int32_t margin_;
    Counters r_;
};

}  // namespace bitlocal
