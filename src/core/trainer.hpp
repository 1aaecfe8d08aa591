// Training: mini-batches over layers and threads (docs/algorithm.md, section 2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "network.hpp"

namespace bitlocal {

// Samples in the order in which they are presented.
struct TrainingSet {
    const Word* samples;         // rows of words_for(n_inputs) words
    const std::int32_t* labels;  // one a row: 0 ... n_classes - 1
    const std::uint32_t* order;  // n row numbers
    std::size_t n;
};

struct TrainingCounts {
    std::uint64_t correct = 0;          // samples that the last layer classified correctly when they were presented
    std::vector<std::uint64_t> errors;  // per layer: samples with an error signal; 0 in a frozen layer
    // Per layer, and for the trained classifier where there is one:
    std::vector<std::uint64_t> updates;              // updates of a neuron by a sample
    std::vector<ReinforcementCounts> reinforcement;  // what the reinforcement drew and moved
};

// Where the time of a training goes. Weight bits are refreshed as part of the update, since they fall out of it.
enum class Phase { kForward, kErrorSignal, kChoice, kUpdate, kReinforcement, kWaiting };
inline constexpr std::array<const char*, 6> kPhaseNames = {"forward", "error_signal",  "choice",
                                                           "update",  "reinforcement", "waiting"};
using PhaseTimes = std::array<std::uint64_t, kPhaseNames.size()>;  // nanoseconds

// Trains all layers on consecutive mini-batches of batch_size samples (the last one may be smaller).
//   first_step   number of the first mini-batch; rules the random numbers of the reinforcement
//   thresholds   per layer, and for the trained classifier where there is one: the probability of reinforcement, in
//                units of 2^-32
//   times        null, or one a thread, to which the time spent in each phase is added
// The result does not depend on n_threads.
TrainingCounts train(Network& network, const TrainingSet& set, std::size_t batch_size, std::uint32_t first_step,
                     const std::vector<std::uint64_t>& thresholds, std::size_t n_threads, PhaseTimes* times = nullptr);

}  // namespace bitlocal
