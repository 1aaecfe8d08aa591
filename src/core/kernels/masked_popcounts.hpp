// Counts of masked bits: the same code for every instruction set, which has its popcount of a word.
#pragma once

#include "kernels/kernels.hpp"

namespace bitlocal {
namespace {  // compiled with the flags of the file that includes it, and not to be shared with others

void masked_popcounts(const Word* row, const std::uint32_t* first_term, const std::uint32_t* words, const Word* masks,
                      const Word* flips, std::size_t n_counts, std::int32_t* counts) {
    for (std::size_t i = 0; i < n_counts; ++i) {
        std::int32_t count = 0;
        for (std::size_t t = first_term[i]; t < first_term[i + 1]; ++t)
            count += count_ones((row[words[t]] ^ flips[t]) & masks[t]);
        counts[i] = count;
    }
}

}  // namespace
}  // namespace bitlocal
