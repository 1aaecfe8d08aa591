// Counter-based random numbers: Philox4x32-10.
//
// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// Every number is a pure function of (seed, purpose, layer, step, row, index), so neither threads nor the order of
// evaluation can change it. The layout of key and counter is section 3 of docs/algorithm.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace bitlocal {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

constexpr PhiloxCounter philox4x32(PhiloxCounter c, PhiloxKey k) {
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c[0];
        const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c[2];
        c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
             static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
        k = {k[0] + 0x9E3779B9u, k[1] + 0xBB67AE85u};
    }
    return c;
}

enum class Purpose : std::uint32_t {
    kHiddenWeights = 1,
    kLocalClassifier = 2,
    kReinforcement = 3,
    kSampleOrder = 4,
    kHoldOut = 5,
    kSyntheticData = 6,
    kEncoder = 7,
    kRepeats = 8,
};
inline constexpr std::array<std::pair<const char*, Purpose>, 8> kPurposes = {{
    {"hidden_weights", Purpose::kHiddenWeights},
    {"local_classifier", Purpose::kLocalClassifier},
    {"reinforcement", Purpose::kReinforcement},
    {"sample_order", Purpose::kSampleOrder},
    {"hold_out", Purpose::kHoldOut},
    {"synthetic_data", Purpose::kSyntheticData},
    {"encoder", Purpose::kEncoder},
    {"repeats", Purpose::kRepeats},
}};

// Key and first counter of a stream.
struct StreamStart {
    StreamStart(std::uint64_t seed, Purpose purpose, std::uint32_t layer, std::uint32_t step, std::uint32_t row)
        : key{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
          counter{0, row, step, (static_cast<std::uint32_t>(purpose) << 24) + layer} {}

    PhiloxKey key;
    PhiloxCounter counter;
};

// The 64-bit words of one stream; word i may be asked for in any order.
class RandomStream {
  public:
    RandomStream(std::uint64_t seed, Purpose purpose, std::uint32_t layer, std::uint32_t step, std::uint32_t row)
        : RandomStream(StreamStart(seed, purpose, layer, step, row)) {}
    explicit RandomStream(const StreamStart& start)
        : key_(start.key), counter_(start.counter), block_(philox4x32(counter_, key_)) {}

    std::uint64_t operator[](std::uint64_t i) {
        const auto block = static_cast<std::uint32_t>(i / 2);
        if (block != counter_[0]) {
            counter_[0] = block;
            block_ = philox4x32(counter_, key_);
        }
        const std::size_t half = 2 * (i % 2);
        return block_[half] | (std::uint64_t{block_[half + 1]} << 32);
    }

  private:
    PhiloxKey key_;
    PhiloxCounter counter_;
    PhiloxCounter block_;
};

// floor(word * bound / 2^64): a number in 0 ... bound - 1.
constexpr std::uint32_t scale_to(std::uint64_t word, std::uint32_t bound) {
    const std::uint64_t low = (word & 0xFFFFFFFFu) * bound;
    return static_cast<std::uint32_t>(((word >> 32) * bound + (low >> 32)) >> 32);
}

// How often a sample of this weight, in units of 2^-32, counts at a place of a mini-batch: rounded up or down at
// random.
inline std::uint32_t round_weight(std::uint64_t weight, std::uint64_t seed, std::uint32_t layer, std::uint32_t step,
                                  std::uint32_t place) {
    const std::uint64_t whole = weight >> 32, fraction = weight & 0xFFFFFFFFu;
    if (fraction == 0) return static_cast<std::uint32_t>(whole);
    RandomStream words(seed, Purpose::kRepeats, layer, step, place);
    return static_cast<std::uint32_t>(whole + ((fraction + (words[0] >> 32)) >> 32));
}

// Fisher-Yates: `order` becomes a permutation of 0 ... n - 1.
inline void permutation(std::uint64_t seed, Purpose purpose, std::uint32_t step, std::uint32_t* order, std::uint32_t n,
                        std::uint32_t row = 0) {
    for (std::uint32_t i = 0; i < n; ++i) order[i] = i;
    RandomStream stream(seed, purpose, 0, step, row);
    for (std::uint32_t i = n; i-- > 1;) std::swap(order[i], order[scale_to(stream[i], i + 1)]);
}

}  // namespace bitlocal
