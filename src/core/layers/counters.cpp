#include "layers/counters.hpp"

#include <algorithm>
#include <numeric>

#include "random.hpp"

namespace bitlocal {
namespace {

// A counter from 64 random bits: twelve uniform 5-bit numbers and one bit, symmetric about -1/2, variance 1023.25.
std::int32_t initial_counter(std::uint64_t word) {
    std::int32_t h = -186 - static_cast<std::int32_t>(word >> 60 & 1);
    for (int i = 0; i < 12; ++i, word >>= 5) h += static_cast<std::int32_t>(word & 31);
    return h;
}

}  // namespace

Counters::Counters(std::size_t n_rows, std::size_t n_inputs, CounterRange range)
    : n_rows_(n_rows), n_inputs_(n_inputs), range_(range), h_(n_rows * n_inputs), w_(n_rows, n_inputs) {
    for (std::size_t row = 0; row < n_rows; ++row) refresh(row);
}

void Counters::draw(std::uint64_t seed, std::uint32_t index) {
    h_.resize(n_rows_ * n_inputs_);
    for (std::size_t row = 0; row < n_rows_; ++row) {
        RandomStream words(seed, Purpose::kHiddenWeights, index, 0, static_cast<std::uint32_t>(row));
        for (std::size_t j = 0; j < n_inputs_; ++j)
            hidden_row(row)[j] =
                static_cast<std::int16_t>(std::clamp<std::int32_t>(initial_counter(words[j]), range_.low, range_.high));
        refresh(row);
    }
}

void Counters::set_hidden(const std::int16_t* h) {
    h_.assign(h, h + n_rows_ * n_inputs_);
    for (std::size_t row = 0; row < n_rows_; ++row) refresh(row);
}

BitMatrix Counters::weights() const {
    BitMatrix rows(n_rows_, n_inputs_);
    for (std::size_t row = 0; row < n_rows_; ++row) w_.get(row, rows.row(row));
    return rows;
}

void Counters::set_weights(const Word* rows) {
    h_.clear();
    for (std::size_t row = 0; row < n_rows_; ++row) w_.set(row, rows + row * w_.n_words());
}

ReinforcementCounts Counters::reinforce(const RuleKernels& kernels, std::size_t begin, std::size_t end,
                                        const GapTable& gaps, std::uint64_t seed, std::uint32_t index,
                                        std::uint32_t step) {
    ReinforcementCounts counts;
    for (std::size_t row = begin; row < end; ++row) {
        const StreamStart stream(seed, Purpose::kReinforcement, index, step, static_cast<std::uint32_t>(row));
        counts += bitlocal::reinforce(kernels, hidden_row(row), n_inputs_, gaps, stream, range_.low, range_.high);
    }
    return counts;
}

std::size_t Counters::update(const RuleKernels& kernels, std::size_t row, const Word* const* samples,
                             const std::uint8_t* desired, const std::uint32_t* repeats, std::size_t n_samples) {
    const auto once = [](std::uint32_t times) { return times == 1; };
    if (repeats == nullptr || std::all_of(repeats, repeats + n_samples, once)) {
        kernels.update(hidden_row(row), n_inputs_, samples, desired, n_samples, range_.low, range_.high,
                       w_.neuron(row));
        return n_samples;
    }
    for (std::size_t w = 0; w < w_.n_words(); ++w) add_repeated(row, w, samples, desired, repeats, n_samples);
    refresh(row);
    return std::accumulate(repeats, repeats + n_samples, std::size_t{0});
}

// Without a kernel of its own: a sample costs as much however often it counts.
void Counters::add_repeated(std::size_t row, std::size_t w, const Word* const* samples, const std::uint8_t* desired,
                            const std::uint32_t* repeats, std::size_t n_samples) {
    constexpr std::size_t kMost = 1 << 15;  // samples that 32 bits can sum, since none counts more than kMaxRepeats
    static_assert(kMost * kMaxRepeats <= INT32_MAX);
    std::int64_t sums[kWordBits] = {};
    for (std::size_t s = 0; s < n_samples;) {
        std::int32_t part[kWordBits] = {};
        for (const std::size_t end = std::min(n_samples, s + kMost); s < end; ++s) {
            const Word agree = samples[s][w] ^ (Word{desired[s]} - 1);
            const auto times = static_cast<std::int32_t>(repeats[s]);
            const std::uint32_t halves[] = {static_cast<std::uint32_t>(agree), static_cast<std::uint32_t>(agree >> 32)};
            for (std::size_t half = 0; half < 2; ++half)
                for (std::size_t i = 0; i < kWordBits / 2; ++i)
                    part[kWordBits / 2 * half + i] += (halves[half] & (1u << i)) != 0 ? times : -times;
        }
        for (std::size_t i = 0; i < kWordBits; ++i) sums[i] += part[i];
    }
    std::int16_t* h = hidden_row(row) + w * kWordBits;
    for (std::size_t i = 0; i < std::min(kWordBits, n_inputs_ - w * kWordBits); ++i)
        h[i] = static_cast<std::int16_t>(std::clamp<std::int64_t>(h[i] + sums[i], range_.low, range_.high));
}

void Counters::refresh(std::size_t row) {
    const std::int16_t* h = hidden_row(row);
    Word* out = w_.neuron(row);
    for (std::size_t w = 0; w < w_.n_words(); ++w) out[w * kLanes] = 0;
    for (std::size_t j = 0; j < n_inputs_; ++j) out[j / kWordBits * kLanes] |= Word{h[j] >= 0} << (j % kWordBits);
}

}  // namespace bitlocal
