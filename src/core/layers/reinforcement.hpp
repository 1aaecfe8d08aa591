// Reinforcement (step 7 of the rule): every synapse of a row, independently and with the same probability, moves away
// from zero. Drawing the gaps between reinforced synapses costs as much as there are reinforced ones.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "random.hpp"

namespace bitlocal {

// The law of the gaps for one probability p = threshold / 2^32.
class GapTable {
  public:
    // Gaps are drawn up to this one; a longer gap takes several draws, which the geometric law allows exactly.
    static constexpr std::size_t kMaxGap = 1024;

    // threshold: 0 ... 2^32
    explicit GapTable(std::uint64_t threshold);

    std::uint64_t threshold() const { return threshold_; }
    bool never() const { return threshold_ == 0; }

    // How many gaps a row of so many synapses is likely to take.
    std::size_t likely_gaps(std::size_t n_inputs) const { return (n_inputs * threshold_ >> 32) + 1; }

    // The gap, 0 ... kMaxGap, that a uniform 64-bit word stands for: how many of survival_[1 ... kMaxGap] exceed it.
    std::size_t gap(std::uint64_t word) const {
        std::size_t gap = guide_[word >> kGuideShift];
        while (gap < kMaxGap && survival_[gap + 1] > word) ++gap;
        return gap;
    }

  private:
    static constexpr int kGuideBits = 12;  // most words are then told by the guide alone
    static constexpr int kGuideShift = 64 - kGuideBits;

    std::uint64_t threshold_;
    std::array<std::uint64_t, kMaxGap + 1> survival_;  // [g] / 2^64: the probability of a gap of at least g
    std::array<std::uint16_t, std::size_t{1} << kGuideBits>
        guide_;  // by the first bits of a word: a gap that is not too large
};

// What reinforcement did: random words that were drawn, and synapses that were reinforced.
struct ReinforcementCounts {
    std::uint64_t draws = 0;
    std::uint64_t reinforced = 0;

    ReinforcementCounts& operator+=(const ReinforcementCounts& other) {
        draws += other.draws;
        reinforced += other.reinforced;
        return *this;
    }
};

// Reinforces one row of counters; the stream belongs to the row and the mini-batch alone.
ReinforcementCounts reinforce(const RuleKernels& kernels, std::int16_t* h, std::size_t n_inputs, const GapTable& gaps,
                              StreamStart stream, std::int16_t h_min, std::int16_t h_max);

}  // namespace bitlocal
