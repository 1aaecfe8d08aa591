#include "layer.hpp"

#include <algorithm>

#include "dispatch.hpp"
#include "random.hpp"

namespace bitlocal {
namespace {

// A counter from 64 random bits: twelve uniform 5-bit numbers and one bit, symmetric about -1/2, variance 1023.25.
std::int32_t initial_counter(std::uint64_t word) {
    std::int32_t h = -186 - static_cast<std::int32_t>(word >> 60 & 1);
    for (int i = 0; i < 12; ++i, word >>= 5) h += static_cast<std::int32_t>(word & 31);
    return h;
}

// Majority units: +1 where at least half of the unit's neurons are active.
void majorities(const std::int32_t* z, std::size_t n_units, std::size_t unit_size, Word* units) {
    std::fill_n(units, words_for(n_units), Word{0});
    for (std::size_t u = 0; u < n_units; ++u, z += unit_size) {
        std::size_t active = 0;
        for (std::size_t i = 0; i < unit_size; ++i) active += z[i] >= 0;
        units[u / kWordBits] |= Word{2 * active >= unit_size} << (u % kWordBits);
    }
}

void interleave(const Word* row, std::size_t n_words, Word* out) {
    for (std::size_t w = 0; w < n_words; ++w) out[w * kLanes] = row[w];
}

}  // namespace

Layer::Layer(const LayerShape& shape)
    : shape_(shape),
      h_(shape.n_neurons * shape.n_inputs),
      w_(shape.n_neurons, shape.n_inputs),
      p_(shape.n_classes, shape.n_outputs()),
      p_blocks_(shape.n_classes, shape.n_outputs()),
      spread_(shape.majority ? shape.n_classes : 0, shape.n_neurons) {
    for (std::size_t k = 0; k < shape_.n_neurons; ++k) refresh(k);
}

void Layer::draw_counters(std::uint64_t seed, std::uint32_t index) {
    h_.resize(shape_.n_neurons * shape_.n_inputs);
    for (std::size_t k = 0; k < shape_.n_neurons; ++k) {
        RandomStream words(seed, Purpose::kHiddenWeights, index, 0, static_cast<std::uint32_t>(k));
        for (std::size_t j = 0; j < shape_.n_inputs; ++j) {
            const std::int32_t h = std::clamp<std::int32_t>(initial_counter(words[j]), shape_.h_min, shape_.h_max);
            row(k)[j] = static_cast<std::int16_t>(h);
        }
        refresh(k);
    }
}

void Layer::initialise(std::uint64_t seed, std::uint32_t index) {
    draw_counters(seed, index);
    std::vector<Word> p(shape_.n_classes * p_.n_words());
    for (std::size_t c = 0; c < shape_.n_classes; ++c) {
        RandomStream words(seed, Purpose::kLocalClassifier, index, 0, static_cast<std::uint32_t>(c));
        for (std::size_t w = 0; w < p_.n_words(); ++w)
            p[c * p_.n_words() + w] = words[w] & word_mask(shape_.n_outputs(), w);
    }
    set_local_classifier(p.data());
}

void Layer::set_counters(const std::int16_t* h) {
    h_.assign(h, h + shape_.n_neurons * shape_.n_inputs);
    for (std::size_t k = 0; k < shape_.n_neurons; ++k) refresh(k);
}

BitMatrix Layer::weights() const {
    BitMatrix rows(shape_.n_neurons, shape_.n_inputs);
    for (std::size_t k = 0; k < shape_.n_neurons; ++k)
        for (std::size_t w = 0; w < w_.n_words(); ++w) rows.row(k)[w] = w_.neuron(k)[w * kLanes];
    return rows;
}

void Layer::set_weights(const Word* rows) {
    h_.clear();
    for (std::size_t k = 0; k < shape_.n_neurons; ++k) interleave(rows + k * w_.n_words(), w_.n_words(), w_.neuron(k));
}

void Layer::set_local_classifier(const Word* rows) {
    std::copy_n(rows, shape_.n_classes * p_.n_words(), p_.row(0));
    for (std::size_t c = 0; c < shape_.n_classes; ++c) interleave(p_.row(c), p_.n_words(), p_blocks_.neuron(c));
    if (!shape_.majority) return;
    for (std::size_t c = 0; c < shape_.n_classes; ++c) {
        std::fill_n(spread_.row(c), spread_.n_words(), Word{0});
        for (std::size_t k = 0; k < shape_.n_neurons; ++k)
            spread_.row(c)[k / kWordBits] |= Word{get_bit(p_.row(c), k / shape_.group_size)} << (k % kWordBits);
    }
}

void Layer::set_local_classifier_row(std::size_t c, const Layer& classifier) {
    for (std::size_t w = 0; w < p_.n_words(); ++w) p_.row(c)[w] = classifier.w_.neuron(c)[w * kLanes];
    interleave(p_.row(c), p_.n_words(), p_blocks_.neuron(c));
}

void Layer::refresh(std::size_t k) {
    const std::int16_t* h = row(k);
    Word* out = w_.neuron(k);
    for (std::size_t w = 0; w < w_.n_words(); ++w) out[w * kLanes] = 0;
    for (std::size_t j = 0; j < shape_.n_inputs; ++j) out[j / kWordBits * kLanes] |= Word{h[j] >= 0} << (j % kWordBits);
}

void Layer::forward(const Word* const* inputs, std::size_t n, std::int32_t* z, Word* const* a) const {
    kernels().preactivations(w_.data(), w_.n_blocks(), w_.n_words(), static_cast<std::int32_t>(shape_.n_inputs), inputs,
                             n, z, shape_.z_stride());
    for (std::size_t s = 0; s < n; ++s) {
        if (shape_.majority)
            majorities(z + s * shape_.z_stride(), shape_.n_groups(), shape_.group_size, a[s]);
        else
            kernels().activations(z + s * shape_.z_stride(), shape_.n_neurons, a[s]);
    }
}

void Layer::logits(const Word* const* a, std::size_t n, std::int32_t* o) const {
    kernels().preactivations(p_blocks_.data(), p_blocks_.n_blocks(), p_blocks_.n_words(),
                             static_cast<std::int32_t>(shape_.n_outputs()), a, n, o, shape_.o_stride());
}

Layer::Verdict Layer::error_signal(const std::int32_t* o, std::int32_t label) const {
    std::size_t best = 0;
    std::int32_t second = INT32_MIN;  // the second largest as a value: equal to the largest when classes tie
    for (std::size_t c = 1; c < shape_.n_classes; ++c) {
        if (o[c] > o[best]) {
            second = o[best];
            best = c;
        } else {
            second = std::max(second, o[c]);
        }
    }
    const auto predicted = static_cast<std::int32_t>(best);
    return {predicted, predicted != label || o[best] - second < shape_.margin};
}

void Layer::choose(std::int32_t* z, const Word* a, std::int32_t label, std::int32_t* chosen,
                   std::size_t chosen_stride) const {
    const auto c = static_cast<std::size_t>(label);
    kernels().choose(z, desired().row(c), shape_.n_groups(), shape_.group_size, chosen, chosen_stride);
    if (!shape_.majority) return;
    for (std::size_t unit = 0; unit < shape_.n_groups(); ++unit)  // a unit that is right teaches nothing
        if (get_bit(a, unit) == get_bit(p_.row(c), unit)) chosen[unit * chosen_stride] = -1;
}

std::size_t Layer::update(std::size_t begin, std::size_t end, const LayerBatch& batch, UpdateScratch& scratch) {
    const std::size_t size = shape_.group_size;
    const std::size_t group = begin / size;
    const std::size_t first_neuron = group * size;
    const std::int32_t* chosen = batch.chosen + group * batch.chosen_stride;

    // Sort the samples by the neuron they chose: count, then place.
    auto& first = scratch.first;
    first.assign(size + 2, 0);
    for (std::size_t s = 0; s < batch.size; ++s)
        if (batch.errors[s] && chosen[s] >= 0) ++first[static_cast<std::size_t>(chosen[s]) + 2];
    for (std::size_t i = 2; i < first.size(); ++i) first[i] += first[i - 1];
    for (std::size_t s = 0; s < batch.size; ++s) {
        if (!batch.errors[s] || chosen[s] < 0) continue;
        const auto i = static_cast<std::size_t>(chosen[s]);
        const std::size_t place = first[i + 1]++;  // afterwards first[i] is where neuron i's samples begin
        scratch.samples[place] = batch.inputs[s];
        scratch.desired[place] =
            get_bit(desired().row(static_cast<std::size_t>(batch.labels[s])), first_neuron + i) ? 1 : 0;
    }

    for (std::size_t k = begin; k < end; ++k) {
        const std::size_t i = k - first_neuron;
        const std::size_t n = first[i + 1] - first[i];
        if (n == 0) continue;
        kernels().update(row(k), shape_.n_inputs, scratch.samples.data() + first[i], scratch.desired.data() + first[i],
                         n, shape_.h_min, shape_.h_max, w_.neuron(k));
    }
    return first[end - first_neuron] - first[begin - first_neuron];
}

ReinforcementCounts Layer::reinforce(std::size_t begin, std::size_t end, const GapTable& gaps, std::uint64_t seed,
                                     std::uint32_t index, std::uint32_t step) {
    ReinforcementCounts counts;
    for (std::size_t k = begin; k < end; ++k) {
        const StreamStart stream(seed, Purpose::kReinforcement, index, step, static_cast<std::uint32_t>(k));
        counts += bitlocal::reinforce(row(k), shape_.n_inputs, gaps, stream, shape_.h_min, shape_.h_max);
    }
    return counts;
}

}  // namespace bitlocal
