#include "layers/dense.hpp"

namespace bitlocal {

void Dense::forward(const Context& context, const Word* const* in, std::size_t n, std::int32_t* z,
                    Word* const* out) const {
    const WeightBlocks& w = counters_.blocks();
    context.kernels.preactivations(w.data(), w.n_blocks(), w.n_words(), static_cast<std::int32_t>(n_inputs()), in, n, z,
                                   z_stride());
    for (std::size_t s = 0; s < n; ++s) context.kernels.activations(z + s * z_stride(), n_outputs(), out[s]);
}

void Dense::choose(const Context& context, std::int32_t* z, const Word* wanted, std::int32_t* chosen,
                   std::size_t chosen_stride) const {
    context.kernels.choose(z, wanted, n_groups(), group_size_, chosen, chosen_stride);
}

std::size_t Dense::update(const Context& context, std::size_t begin, std::size_t end, const Choices& choices,
                          UpdateScratch& scratch) {
    const std::size_t group = begin / group_size_;
    const std::size_t first_neuron = group * group_size_;
    const std::int32_t* chosen = choices.chosen + group * choices.chosen_stride;

    // Sort the samples by the neuron they chose: count, then place.
    auto& first = scratch.first;
    first.assign(group_size_ + 2, 0);
    for (std::size_t s = 0; s < choices.size; ++s)
        if (choices.errors[s] && chosen[s] >= 0) ++first[static_cast<std::size_t>(chosen[s]) + 2];
    for (std::size_t i = 2; i < first.size(); ++i) first[i] += first[i - 1];
    for (std::size_t s = 0; s < choices.size; ++s) {
        if (!choices.errors[s] || chosen[s] < 0) continue;
        const auto i = static_cast<std::size_t>(chosen[s]);
        const std::size_t place = first[i + 1]++;  // afterwards first[i] is where neuron i's samples begin
        scratch.samples[place] = choices.inputs[s];
        scratch.desired[place] = get_bit(choices.wanted[s], first_neuron + i) ? 1 : 0;
        if (choices.repeats != nullptr) scratch.repeats[place] = choices.repeats[s];
    }

    std::size_t n_updates = 0;
    for (std::size_t k = begin; k < end; ++k) {
        const std::size_t at = first[k - first_neuron], n = first[k - first_neuron + 1] - at;
        if (n > 0)
            n_updates += counters_.update(context.kernels, k, scratch.samples.data() + at, scratch.desired.data() + at,
                                          choices.repeats == nullptr ? nullptr : scratch.repeats.data() + at, n);
    }
    return n_updates;
}

}  // namespace bitlocal
