#include "layers/pool.hpp"

#include <algorithm>
#include <bit>

namespace bitlocal {
namespace {

// Ones among bits begin ... end - 1 of a row.
std::size_t count_ones(const Word* row, std::size_t begin, std::size_t end) {
    std::size_t count = 0;
    for (std::size_t w = begin / kWordBits; w * kWordBits < end; ++w) {
        Word word = row[w];
        if (w == begin / kWordBits) word &= ~Word{0} << (begin % kWordBits);
        count += static_cast<std::size_t>(std::popcount(word & word_mask(end, w)));
    }
    return count;
}

}  // namespace

void Majority::forward(const Context&, const Word* const* in, std::size_t n, std::int32_t*, Word* const* out) const {
    for (std::size_t s = 0; s < n; ++s) {
        std::fill_n(out[s], words_for(n_units_), Word{0});
        for (std::size_t u = 0; u < n_units_; ++u)
            out[s][u / kWordBits] |= Word{2 * count_ones(in[s], u * size_, (u + 1) * size_) >= size_}
                                     << (u % kWordBits);
    }
}

void Majority::hand_down(const Word* wanted_out, Word* wanted_in) const {
    std::fill_n(wanted_in, words_for(n_inputs()), Word{0});
    for (std::size_t k = 0; k < n_inputs(); ++k)
        wanted_in[k / kWordBits] |= Word{get_bit(wanted_out, k / size_)} << (k % kWordBits);
}

void Majority::spare(const Word* out, const Word* wanted_out, std::int32_t* chosen, std::size_t chosen_stride) const {
    for (std::size_t unit = 0; unit < n_units_; ++unit)
        if (get_bit(out, unit) == get_bit(wanted_out, unit)) chosen[unit * chosen_stride] = -1;
}

}  // namespace bitlocal
