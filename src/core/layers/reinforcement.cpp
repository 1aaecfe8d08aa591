#include "layers/reinforcement.hpp"

#include <algorithm>

namespace bitlocal {

GapTable::GapTable(std::uint64_t threshold) : threshold_(threshold), survival_{}, guide_{} {
    const std::uint64_t q = (std::uint64_t{1} << 32) - threshold;  // 1 - p
    if (never()) return;
    survival_[1] = q << 32;
    for (std::size_t g = 1; g < kMaxGap; ++g) {
        const std::uint64_t s = survival_[g];
        survival_[g + 1] = (s >> 32) * q + (((s & 0xFFFFFFFFu) * q) >> 32);  // floor(s * q / 2^32)
    }
    // The gap falls as the word grows: what the largest word of a bucket stands for is a lower bound for the others.
    std::size_t gap = 0;
    for (std::size_t bucket = guide_.size(); bucket-- > 0;) {
        const std::uint64_t largest = (std::uint64_t{bucket} << kGuideShift) | ((std::uint64_t{1} << kGuideShift) - 1);
        while (gap < kMaxGap && survival_[gap + 1] > largest) ++gap;
        guide_[bucket] = static_cast<std::uint16_t>(gap);
    }
}

ReinforcementCounts reinforce(const RuleKernels& kernels, std::int16_t* h, std::size_t n_inputs, const GapTable& gaps,
                              StreamStart stream, std::int16_t h_min, std::int16_t h_max) {
    // Words are made in bulk: first as many as the row is likely to take, then a few at a time.
    constexpr std::size_t kMaxBlocks = 64;
    std::array<std::uint64_t, 2 * kMaxBlocks> words;
    const auto whole = [](std::size_t n) { return (n + kBlocksAtOnce - 1) / kBlocksAtOnce * kBlocksAtOnce; };
    std::size_t n_blocks = std::min(whole(gaps.likely_gaps(n_inputs) / 2 + 2), kMaxBlocks);
    ReinforcementCounts counts;
    for (std::size_t j = 0;;) {
        kernels.random_words(stream.key.data(), stream.counter.data(), n_blocks, words.data());
        for (std::size_t i = 0; i < 2 * n_blocks; ++i) {
            const std::size_t gap = gaps.gap(words[i]);
            j += gap;
            ++counts.draws;
            if (j >= n_inputs) return counts;
            if (gap == GapTable::kMaxGap) continue;
            const std::int32_t away = h[j] >= 0 ? 1 : -1;
            h[j] = static_cast<std::int16_t>(std::clamp<std::int32_t>(h[j] + away, h_min, h_max));
            ++counts.reinforced;
            if (++j == n_inputs) return counts;
        }
        stream.counter[0] += static_cast<std::uint32_t>(n_blocks);
        n_blocks = kBlocksAtOnce;
    }
}

}  // namespace bitlocal
