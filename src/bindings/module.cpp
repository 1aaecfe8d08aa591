// Python bindings: checks of types, shapes and ranges, the GIL, and hand-over to the core. No maths, no defaults.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "dispatch.hpp"
#include "encode.hpp"
#include "network.hpp"
#include "pack.hpp"
#include "random.hpp"
#include "trainer.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using bitlocal::BitRows;
using bitlocal::Layer;
using bitlocal::LayerShape;
using bitlocal::Network;
using bitlocal::Purpose;
using bitlocal::Word;

template <class T, std::size_t Dims>
using Input = nb::ndarray<const T, nb::ndim<Dims>, nb::c_contig, nb::device::cpu>;

using Times = nb::ndarray<std::uint64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <class T, std::size_t Dims>
using Output = nb::ndarray<nb::numpy, T, nb::ndim<Dims>>;

[[noreturn]] void fail(const std::string& message) {
    throw std::invalid_argument(message);
}

void require(bool condition, const std::string& message) {
    if (!condition) fail(message);
}

// Hands a vector over to NumPy without a copy.
template <class T, class... Extents>
auto to_numpy(std::vector<T> values, Extents... shape) {
    auto owner = new std::vector<T>(std::move(values));
    nb::capsule capsule(owner, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return Output<T, sizeof...(Extents)>(owner->data(), {shape...}, capsule);
}

std::vector<Word> copy_rows(const bitlocal::BitMatrix& rows, std::size_t n) {
    return {rows.row(0), rows.row(0) + n * rows.n_words()};
}

// The binary weights of untrusted rows must keep the contract that padding is zero.
void require_rows(const Input<Word, 2>& rows, std::size_t n, std::size_t bits, const char* what) {
    const std::size_t n_words = bitlocal::words_for(bits);
    require(rows.shape(0) == n && rows.shape(1) == n_words,
            std::string(what) + ": expected shape (" + std::to_string(n) + ", " + std::to_string(n_words) + "), got (" +
                std::to_string(rows.shape(0)) + ", " + std::to_string(rows.shape(1)) + ")");
    for (std::size_t r = 0; r < n; ++r)
        require((rows.data()[r * n_words + n_words - 1] & ~bitlocal::word_mask(bits, n_words - 1)) == 0,
                std::string(what) + ": the padding bits of row " + std::to_string(r) + " are not zero");
}

Network make_network(const std::vector<std::size_t>& layer_sizes, std::size_t n_classes,
                     const std::vector<std::size_t>& group_sizes, const std::vector<std::int32_t>& margins, int h_min,
                     int h_max, bool majority, bool freeze_first, bool train_classifier) {
    const std::size_t n_layers = group_sizes.size();
    require(n_layers >= 1 && layer_sizes.size() == n_layers + 1 && margins.size() == n_layers,
            "expected one group size and one margin a layer, and one layer size more");
    require(n_layers < (1u << 24), "too many layers");
    require(n_classes >= 2 && n_classes <= std::numeric_limits<std::int32_t>::max(), "expected at least two classes");
    require(h_min >= INT16_MIN && h_min < 0 && h_max >= 0 && h_max <= INT16_MAX, "counters must fit int16");
    require(!majority || n_layers == 1, "majority units: expected one layer");
    require(!freeze_first || n_layers > 1 || train_classifier, "nothing is left to train");
    require(!train_classifier || n_classes < (1u << 24), "expected fewer than 2^24 classes");
    bitlocal::kernels();  // complains here, if at all, about a bad choice of instruction set
    std::vector<LayerShape> shapes;
    for (std::size_t l = 0; l < n_layers; ++l) {
        require(layer_sizes[l] >= 1 && layer_sizes[l] < (1u << 24) && layer_sizes[l + 1] >= 1 &&
                    layer_sizes[l + 1] < (1u << 24),
                "expected layer sizes from 1 to 2^24 - 1");
        require(group_sizes[l] >= 1 && layer_sizes[l + 1] % group_sizes[l] == 0,
                "the group size must divide the layer's size");
        shapes.push_back({layer_sizes[l], layer_sizes[l + 1], n_classes, group_sizes[l], margins[l],
                          static_cast<std::int16_t>(h_min), static_cast<std::int16_t>(h_max), majority,
                          freeze_first && l == 0});
    }
    return Network(shapes, train_classifier);
}

const Layer& layer_at(const Network& network, std::size_t layer) {
    if (layer >= network.layers().size()) throw nb::index_error("no such layer");
    return network.layers()[layer];
}

Layer& layer_at(Network& network, std::size_t layer) {
    return const_cast<Layer&>(layer_at(std::as_const(network), layer));
}

void require_counters(const Layer& layer, const Input<std::int16_t, 2>& h) {
    const LayerShape& shape = layer.shape();
    require(
        h.shape(0) == shape.n_neurons && h.shape(1) == shape.n_inputs,
        "counters: expected shape (" + std::to_string(shape.n_neurons) + ", " + std::to_string(shape.n_inputs) + ")");
    require(std::all_of(h.data(), h.data() + h.size(),
                        [&shape](std::int16_t v) { return v >= shape.h_min && v <= shape.h_max; }),
            "counters: expected values from h_min to h_max");
}

void require_samples(const Network& network, const Input<Word, 2>& samples) {
    require(samples.shape(1) == bitlocal::words_for(network.n_inputs()),
            "samples: expected rows of " + std::to_string(bitlocal::words_for(network.n_inputs())) + " words, got " +
                std::to_string(samples.shape(1)));
}

using Numbers = std::vector<std::uint64_t>;
// Correct; per layer: errors; per layer and trained classifier: updates, draws, reinforced.
using Counts = std::tuple<std::uint64_t, Numbers, Numbers, Numbers, Numbers>;

Counts train(Network& network, const Input<Word, 2>& samples, const Input<std::int32_t, 1>& labels,
             const Input<std::uint32_t, 1>& order, std::size_t batch_size, std::uint32_t first_step,
             const std::vector<std::uint64_t>& thresholds, std::size_t n_threads, const std::optional<Times>& times) {
    require(network.has_hidden_weights(), "a network without hidden weights cannot be trained");
    require_samples(network, samples);
    require(labels.shape(0) == samples.shape(0), "labels: expected one a sample");
    require(batch_size >= 1, "batch_size: expected at least 1");
    require(thresholds.size() == network.layers().size() + (network.classifier() != nullptr),
            "thresholds: expected one a layer, and one for a trained classifier");
    const auto n_classes = static_cast<std::int32_t>(network.n_classes());
    for (std::size_t i = 0; i < order.shape(0); ++i) {
        const std::uint32_t row = order.data()[i];
        if (row >= samples.shape(0)) fail("order: expected row numbers of samples");
        const std::int32_t label = labels.data()[row];
        if (label < 0 || label >= n_classes) fail("labels: expected numbers from 0 to n_classes - 1");
    }
    require(std::all_of(thresholds.begin(), thresholds.end(),
                        [](std::uint64_t threshold) { return threshold <= std::uint64_t{1} << 32; }),
            "thresholds: expected at most 2^32");
    const std::size_t n_phases = bitlocal::kPhaseNames.size();
    require(!times || (times->shape(0) == n_threads && times->shape(1) == n_phases),
            "phase_times: expected shape (n_threads, " + std::to_string(n_phases) + ")");
    const bitlocal::TrainingSet set{samples.data(), labels.data(), order.data(), order.shape(0)};
    std::vector<bitlocal::PhaseTimes> spent(times ? n_threads : 0);
    bitlocal::TrainingCounts counts;
    {
        nb::gil_scoped_release released;
        counts = bitlocal::train(network, set, batch_size, first_step, thresholds, n_threads,
                                 times ? spent.data() : nullptr);
    }
    for (std::size_t t = 0; t < spent.size(); ++t)
        for (std::size_t i = 0; i < n_phases; ++i) times->data()[t * n_phases + i] += spent[t][i];
    Numbers draws, reinforced;
    for (const bitlocal::ReinforcementCounts& layer : counts.reinforcement) {
        draws.push_back(layer.draws);
        reinforced.push_back(layer.reinforced);
    }
    return {counts.correct, std::move(counts.errors), std::move(counts.updates), draws, reinforced};
}

Output<std::int32_t, 2> logits(const Network& network, const Input<Word, 2>& samples, std::size_t n_threads) {
    require_samples(network, samples);
    std::vector<std::int32_t> o(samples.shape(0) * network.n_classes());
    {
        nb::gil_scoped_release released;
        network.logits(samples.data(), samples.shape(0), o.data(), n_threads);
    }
    return to_numpy(std::move(o), samples.shape(0), network.n_classes());
}

std::uint64_t time_logits(const Network& network, const Input<Word, 2>& samples, std::size_t n_calls) {
    require_samples(network, samples);
    std::vector<std::int32_t> o(samples.shape(0) * network.n_classes());
    nb::gil_scoped_release released;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < n_calls; ++i) network.logits(samples.data(), samples.shape(0), o.data(), 1);
    const auto time = std::chrono::steady_clock::now() - start;
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
}

Output<Word, 2> pack(const Input<bool, 2>& bits) {
    const std::size_t n_words = bitlocal::words_for(bits.shape(1));
    std::vector<Word> words(bits.shape(0) * n_words);
    {
        nb::gil_scoped_release released;
        for (std::size_t r = 0; r < bits.shape(0); ++r)
            bitlocal::pack_row(reinterpret_cast<const std::uint8_t*>(bits.data()) + r * bits.shape(1), bits.shape(1),
                               words.data() + r * n_words);
    }
    return to_numpy(std::move(words), bits.shape(0), n_words);
}

// Rows of words that an encoder writes into.
using Target = nb::ndarray<Word, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

BitRows bit_rows(const Target& words, std::size_t first_bit, std::size_t n_rows, std::size_t n_bits) {
    require(words.shape(0) == n_rows, "words: expected a row for each sample");
    const std::size_t room = words.shape(1) * bitlocal::kWordBits;
    require(first_bit <= room && n_bits <= room - first_bit, "words: there is no room for these bits");
    return {words.data(), n_rows, words.shape(1), first_bit};
}

// Offsets into an array of n_items, one more than there are owners of items: from 0, never falling, to n_items.
void require_offsets(const Input<std::uint32_t, 1>& first, std::size_t n_items, const char* what) {
    require(first.shape(0) >= 1 && first.data()[0] == 0 && first.data()[first.shape(0) - 1] == n_items &&
                std::is_sorted(first.data(), first.data() + first.shape(0)),
            std::string(what) + ": expected ascending offsets from 0 to the number of items");
}

void require_columns(const Input<std::uint32_t, 1>& columns, std::size_t n_columns) {
    require(std::all_of(columns.data(), columns.data() + columns.shape(0),
                        [n_columns](std::uint32_t c) { return c < n_columns; }),
            "expected numbers of columns");
}

template <class Value>
void encode_columns(const Input<Value, 2>& x, const Input<std::uint32_t, 1>& columns,
                    const Input<std::uint32_t, 1>& first_threshold, const Input<std::uint8_t, 1>& missing,
                    const Input<Value, 1>& thresholds, const Target& words, std::size_t first_bit) {
    const std::size_t n_codes = columns.shape(0);
    require(first_threshold.shape(0) == n_codes + 1 && missing.shape(0) == n_codes,
            "expected a number of thresholds and a flag for each column");
    require_offsets(first_threshold, thresholds.shape(0), "first_threshold");
    require_columns(columns, x.shape(1));
    std::size_t n_bits = thresholds.shape(0);
    for (std::size_t i = 0; i < n_codes; ++i) {
        require(missing.data()[i] <= 1, "missing: expected 0 or 1");
        n_bits += missing.data()[i];
    }
    const BitRows out = bit_rows(words, first_bit, x.shape(0), n_bits);
    const bitlocal::ColumnCodes<Value> codes{columns.data(), first_threshold.data(), missing.data(), n_codes,
                                             thresholds.data()};
    nb::gil_scoped_release released;
    bitlocal::encode_columns(x.data(), x.shape(1), codes, out);
}

template <class Value>
void encode_differences(const Input<Value, 2>& x, const Input<std::uint32_t, 1>& first,
                        const Input<std::uint32_t, 1>& second, std::int32_t margin, const Target& words,
                        std::size_t first_bit) {
    require(first.shape(0) == second.shape(0), "expected pairs of columns");
    require_columns(first, x.shape(1));
    require_columns(second, x.shape(1));
    const BitRows out = bit_rows(words, first_bit, x.shape(0), first.shape(0));
    nb::gil_scoped_release released;
    bitlocal::encode_differences(x.data(), x.shape(1), first.data(), second.data(), first.shape(0), margin, out);
}

template <class Value>
Output<std::int32_t, 2> weighted_sums(const Input<Value, 2>& x, const Input<std::uint32_t, 1>& first_term,
                                      const Input<std::uint32_t, 1>& columns, const Input<std::int16_t, 1>& weights) {
    require(weights.shape(0) == columns.shape(0), "expected a weight for each term");
    require_offsets(first_term, columns.shape(0), "first_term");
    require_columns(columns, x.shape(1));
    const std::size_t n_sums = first_term.shape(0) - 1;
    for (std::size_t i = 0; i < n_sums; ++i) {
        std::int64_t total = 0;  // of absolute weights; |x| is at most 2^15
        for (std::size_t t = first_term.data()[i]; t < first_term.data()[i + 1]; ++t)
            total += std::abs(std::int32_t{weights.data()[t]});
        require(total < 1 << 16, "weights: a sum could leave 32 bits");
    }
    std::vector<std::int32_t> sums(x.shape(0) * n_sums);
    {
        nb::gil_scoped_release released;
        bitlocal::weighted_sums(x.data(), x.shape(0), x.shape(1), first_term.data(), columns.data(), weights.data(),
                                n_sums, sums.data());
    }
    return to_numpy(std::move(sums), x.shape(0), n_sums);
}

Output<std::int32_t, 2> masked_popcounts(const Input<Word, 2>& rows, const Input<std::uint32_t, 1>& first_term,
                                         const Input<std::uint32_t, 1>& words, const Input<Word, 1>& masks,
                                         const Input<Word, 1>& flips) {
    require(masks.shape(0) == words.shape(0) && flips.shape(0) == words.shape(0),
            "expected a mask and a flip for each term");
    require_offsets(first_term, words.shape(0), "first_term");
    require_columns(words, rows.shape(1));
    const std::size_t n_counts = first_term.shape(0) - 1;
    std::vector<std::int32_t> counts(rows.shape(0) * n_counts);
    {
        nb::gil_scoped_release released;
        const auto count = bitlocal::kernels().masked_popcounts;
        for (std::size_t r = 0; r < rows.shape(0); ++r)
            count(rows.data() + r * rows.shape(1), first_term.data(), words.data(), masks.data(), flips.data(),
                  n_counts, counts.data() + r * n_counts);
    }
    return to_numpy(std::move(counts), rows.shape(0), n_counts);
}

void place_bits(const Input<Word, 2>& rows, std::size_t n_bits, const Target& words, std::size_t first_bit) {
    require(rows.shape(1) == bitlocal::words_for(n_bits), "rows: expected words for n_bits bits");
    const BitRows out = bit_rows(words, first_bit, rows.shape(0), n_bits);
    nb::gil_scoped_release released;
    bitlocal::place_bits(rows.data(), n_bits, out);
}

Output<std::uint64_t, 1> random_words(std::uint64_t seed, std::uint32_t purpose, std::uint32_t layer,
                                      std::uint32_t step, std::uint32_t row, std::size_t n) {
    require(purpose < (1u << 8) && layer < (1u << 24), "expected purpose < 2^8 and layer < 2^24");
    bitlocal::RandomStream stream(seed, static_cast<Purpose>(purpose), layer, step, row);
    std::vector<std::uint64_t> words(n);
    for (std::size_t i = 0; i < n; ++i) words[i] = stream[i];
    return to_numpy(std::move(words), n);
}

Output<std::uint32_t, 1> permutation(std::uint64_t seed, std::uint32_t purpose, std::uint32_t step, std::uint32_t n) {
    std::vector<std::uint32_t> order(n);
    bitlocal::permutation(seed, static_cast<Purpose>(purpose), step, order.data(), n);
    return to_numpy(std::move(order), std::size_t{n});
}

}  // namespace

NB_MODULE(_core, m) {
    m.doc() = "The compiled core of bitlocal: packed bits, integers, no floating point.";

    nb::class_<Network>(m, "Network", "Layers of binary neurons; see docs/algorithm.md for the symbols.")
        .def(
            "__init__",
            [](Network* self, const std::vector<std::size_t>& layer_sizes, std::size_t n_classes,
               const std::vector<std::size_t>& group_sizes, const std::vector<std::int32_t>& margins, int h_min,
               int h_max, bool majority, bool freeze_first, bool train_classifier) {
                new (self) Network(make_network(layer_sizes, n_classes, group_sizes, margins, h_min, h_max, majority,
                                                freeze_first, train_classifier));
            },
            "layer_sizes"_a, "n_classes"_a, "group_sizes"_a, "margins"_a, "h_min"_a, "h_max"_a, "majority"_a = false,
            "freeze_first"_a = false, "train_classifier"_a = false,
            "layer_sizes: K_0 ... K_L; group_sizes, margins: one a layer; h_min, h_max: range of the counters.")
        .def("initialise", &Network::initialise, "seed"_a, "Draw hidden weights and local classifiers.")
        .def_prop_rw("seed", &Network::seed, &Network::set_seed, "Seed of the initial draw and of the reinforcement.")
        .def_prop_ro("has_hidden_weights", &Network::has_hidden_weights, "False in a network that can only infer.")
        .def(
            "counters",
            [](const Network& self, std::size_t layer) {
                const Layer& l = layer_at(self, layer);
                require(!l.counters().empty(), "this network has no hidden weights");
                return to_numpy(std::vector<std::int16_t>(l.counters()), l.shape().n_neurons, l.shape().n_inputs);
            },
            "layer"_a, "Counters h of a layer (from 0): a copy, int16, (neurons, inputs).")
        .def(
            "set_counters",
            [](Network& self, std::size_t layer, const Input<std::int16_t, 2>& h) {
                Layer& l = layer_at(self, layer);
                require_counters(l, h);
                l.set_counters(h.data());
            },
            "layer"_a, "h"_a, "Set the counters of a layer and its binary weights with them.")
        .def(
            "weights",
            [](const Network& self, std::size_t layer) {
                const Layer& l = layer_at(self, layer);
                const bitlocal::BitMatrix rows = l.weights();
                return to_numpy(copy_rows(rows, l.shape().n_neurons), l.shape().n_neurons, rows.n_words());
            },
            "layer"_a, "Binary weights of a layer: packed, uint64, (neurons, words).")
        .def(
            "set_weights",
            [](Network& self, std::size_t layer, const Input<Word, 2>& rows) {
                Layer& l = layer_at(self, layer);
                require_rows(rows, l.shape().n_neurons, l.shape().n_inputs, "weights");
                l.set_weights(rows.data());
            },
            "layer"_a, "rows"_a, "Set the binary weights of a layer and drop its hidden weights.")
        .def(
            "local_classifier",
            [](const Network& self, std::size_t layer) {
                const Layer& l = layer_at(self, layer);
                const auto& rows = l.local_classifier();
                return to_numpy(copy_rows(rows, l.shape().n_classes), l.shape().n_classes, rows.n_words());
            },
            "layer"_a, "Local random classifier of a layer: packed, uint64, (classes, words).")
        .def(
            "set_local_classifier",
            [](Network& self, std::size_t layer, const Input<Word, 2>& rows) {
                Layer& l = layer_at(self, layer);
                require_rows(rows, l.shape().n_classes, l.shape().n_outputs(), "local classifier");
                l.set_local_classifier(rows.data());
            },
            "layer"_a, "rows"_a, "Set the local classifier of a layer.")
        .def(
            "classifier_counters",
            [](const Network& self) {
                const Layer* l = self.classifier();
                require(l != nullptr && !l->counters().empty(), "this network has no trained classifier");
                return to_numpy(std::vector<std::int16_t>(l->counters()), l->shape().n_neurons, l->shape().n_inputs);
            },
            "Counters h of the trained classifier: a copy, int16, (classes, outputs of the last layer).")
        .def(
            "set_classifier_counters",
            [](Network& self, const Input<std::int16_t, 2>& h) {
                require(self.classifier() != nullptr, "this network has no trained classifier");
                require_counters(*self.classifier(), h);
                self.set_classifier_counters(h.data());
            },
            "h"_a, "Set the counters of the trained classifier, and the last layer's classifier with them.")
        .def("train", &train, "samples"_a, "labels"_a, "order"_a, "batch_size"_a, "first_step"_a, "thresholds"_a,
             "n_threads"_a, "phase_times"_a = nb::none(),
             "Train on the samples in the given order; returns (correct, error signals, updates, draws, reinforced), "
             "the last four per layer. Adds the nanoseconds that each thread spent in each of `phases` to "
             "phase_times: uint64, (threads, phases).")
        .def("logits", &logits, "samples"_a, "n_threads"_a, "Logits of the last layer: int32, (samples, classes).")
        .def("time_logits", &time_logits, "samples"_a, "n_calls"_a,
             "The nanoseconds that so many calls of logits take with one thread, without Python in between.");

    m.def(
        "phases", [] { return std::vector<std::string>(bitlocal::kPhaseNames.begin(), bitlocal::kPhaseNames.end()); },
        "What the times of a training are split into.");
    m.def("pack", &pack, "bits"_a, "Pack rows of booleans into uint64 words, least significant bit first.");
    const auto def_encode_columns = [&m]<class Value>(Value) {
        m.def("encode_columns", &encode_columns<Value>, "x"_a.noconvert(), "columns"_a, "first_threshold"_a,
              "missing"_a, "thresholds"_a, "words"_a.noconvert(), "first_bit"_a,
              "Write thermometer codes of columns into words whose bits are zero there.");
    };
    def_encode_columns(std::uint8_t{});
    def_encode_columns(std::int32_t{});
    def_encode_columns(float{});
    def_encode_columns(double{});
    const auto def_encode_differences = [&m]<class Value>(Value) {
        m.def("encode_differences", &encode_differences<Value>, "x"_a.noconvert(), "first"_a, "second"_a, "margin"_a,
              "words"_a.noconvert(), "first_bit"_a,
              "Write whether columns lie above others by more than a margin into words whose bits are zero there.");
    };
    def_encode_differences(std::uint8_t{});
    def_encode_differences(std::int16_t{});
    const char* sums_doc = "Weighted sums of columns: int32, (rows, sums).";
    m.def("weighted_sums", &weighted_sums<std::uint8_t>, "x"_a.noconvert(), "first_term"_a, "columns"_a, "weights"_a,
          sums_doc);
    m.def("weighted_sums", &weighted_sums<std::int16_t>, "x"_a.noconvert(), "first_term"_a, "columns"_a, "weights"_a,
          sums_doc);
    m.def("masked_popcounts", &masked_popcounts, "rows"_a.noconvert(), "first_term"_a, "words"_a, "masks"_a, "flips"_a,
          "Counts of the bits in (row[word] ^ flip) & mask: int32, (rows, counts).");
    m.def("place_bits", &place_bits, "rows"_a, "n_bits"_a, "words"_a.noconvert(), "first_bit"_a,
          "Write packed rows of bits into words whose bits are zero there.");
    m.def("random_words", &random_words, "seed"_a, "purpose"_a, "layer"_a, "step"_a, "row"_a, "n"_a,
          "The first n 64-bit words of a random stream.");
    m.def("permutation", &permutation, "seed"_a, "purpose"_a, "step"_a, "n"_a, "A permutation of 0 ... n - 1.");
    m.def(
        "compiler",
        [] {
#if defined(__clang__)
            return "Clang " __clang_version__;
#elif defined(__GNUC__)
            return "GCC " __VERSION__;
#elif defined(_MSC_VER)
            return "MSVC " + std::to_string(_MSC_VER);
#else
            return "unknown";
#endif
        },
        "Name and version of the compiler that built this module.");
    m.def("instruction_set", [] { return bitlocal::kernels().name; }, "Name of the instruction set in use.");
    m.def(
        "instruction_sets",
        [] {
            std::vector<std::pair<std::string, bool>> sets;
            for (const auto& isa : bitlocal::instruction_sets()) sets.emplace_back(isa.kernels->name, isa.supported);
            return sets;
        },
        "The instruction sets that were compiled in, best first, and whether this processor supports each.");
    m.def(
        "popcount_peak",
        [](const std::string& isa, std::uint64_t n_rounds) {
            const auto& kernels = bitlocal::kernels_of(isa);
            nb::gil_scoped_release released;
            return kernels.peak(n_rounds);
        },
        "isa"_a, "n_rounds"_a,
        "Xor and popcount on registers alone, popcount_peak_bits bits a round, to be timed; returns a checksum.");
    m.attr("popcount_peak_bits") = bitlocal::kPeakBits;
    m.def("use_instruction_set", &bitlocal::use_instruction_set, "name"_a,
          "Use this instruction set from now on; ValueError if it is unknown or not supported.");
}
