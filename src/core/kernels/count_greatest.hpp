// Counts of what is among the greatest: the same code for every instruction set, whose compiler makes vectors of it.
#pragma once

#include "kernels/kernels.hpp"

namespace bitlocal {
namespace {  // compiled with the flags of the file that includes it, and not to be shared with others

// Sums in 16 bits, so that as many as possible are in a vector; n is below 2^15.
inline std::int32_t count_at_least(const std::int16_t* values, std::size_t n, std::int32_t least) {
    const auto bound = static_cast<std::int16_t>(least - 1);
    std::int16_t count = 0;
    for (std::size_t i = 0; i < n; ++i) count = static_cast<std::int16_t>(count + (values[i] > bound));
    return count;
}

// The greatest threshold that n_wanted values reach, and how many lie above it. It is near `threshold` as it comes,
// which is tried first. Steps of two, since values are all odd or all even; none is below `lowest` or above -lowest.
inline std::int32_t find_threshold(const std::int16_t* values, std::size_t n, std::int32_t n_wanted,
                                   std::int32_t lowest, std::int32_t& threshold) {
    std::int32_t reached = lowest, missed = -lowest + 2, n_above = 0, step = 2;
    const auto try_at = [&](std::int32_t at) {
        const std::int32_t found = count_at_least(values, n, at);
        if (found >= n_wanted) {
            reached = at;
            return true;
        }
        missed = at;
        n_above = found;
        return false;
    };
    if (try_at(threshold)) {
        for (; threshold + step < missed && try_at(threshold + step); step *= 2) continue;
    } else {
        for (; threshold - step > reached && !try_at(threshold - step); step *= 2) continue;
    }
    while (missed - reached > 2) try_at(reached + (missed - reached) / 4 * 2);
    threshold = reached;
    return n_above;
}

void count_greatest(const std::int32_t* z, std::size_t n, std::size_t n_greatest, std::int32_t lowest,
                    std::int16_t* scratch, std::int32_t* threshold, std::uint16_t* counts) {
    for (std::size_t i = 0; i < n; ++i) scratch[i] = static_cast<std::int16_t>(z[i]);
    const auto n_wanted = static_cast<std::int32_t>(n_greatest);
    std::int32_t left = n_wanted - find_threshold(scratch, n, n_wanted, lowest, *threshold);  // for those that reach it
    const auto least = static_cast<std::int16_t>(*threshold);
    constexpr std::size_t kAtATime = 64;
    for (std::size_t first = 0; first < n; first += kAtATime) {
        const std::size_t width = smaller(kAtATime, n - first);
        const std::int16_t* values = scratch + first;
        std::uint16_t* to = counts + first;
        std::int16_t n_equal = 0;
        for (std::size_t i = 0; i < width; ++i) n_equal = static_cast<std::int16_t>(n_equal + (values[i] == least));
        if (n_equal <= left) {
            for (std::size_t i = 0; i < width; ++i) to[i] = static_cast<std::uint16_t>(to[i] + (values[i] >= least));
            left -= n_equal;
            continue;
        }
        for (std::size_t i = 0; i < width; ++i) to[i] = static_cast<std::uint16_t>(to[i] + (values[i] > least));
        for (std::size_t i = 0; left > 0; ++i) {
            if (values[i] != least) continue;
            ++to[i];
            --left;
        }
    }
}

}  // namespace
}  // namespace bitlocal
