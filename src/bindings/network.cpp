// Networks: what they are made of, their weights, their logits.
#include "network.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include "checks.hpp"
#include "kernels/dispatch.hpp"
#include "layers/dense.hpp"
#include "layers/pool.hpp"
#include "layers/teacher.hpp"

namespace bindings {
namespace {

using namespace nb::literals;
using bitlocal::Block;
using bitlocal::ClassShape;
using bitlocal::CounterRange;
using bitlocal::Counters;
using bitlocal::Network;
using bitlocal::Readout;

// What Python describes, and a network is made of: a new kind of layer, pool or teacher is one more function below.
template <class Kind>
struct Maker {
    std::function<std::unique_ptr<Kind>()> make;
};
using LayerMaker = Maker<bitlocal::Trained>;
using PoolMaker = Maker<bitlocal::Pool>;
using TeacherMaker = Maker<bitlocal::Teacher>;

struct BlockMaker {
    LayerMaker layer;
    std::vector<PoolMaker> pools;
    TeacherMaker teacher;
    bool learns;
};

constexpr std::size_t kMostNeurons =
    (std::size_t{1} << 24) - 1;  // the layout of the random streams has 24 bits for them

CounterRange counter_range(int h_min, int h_max) {
    require(h_min >= INT16_MIN && h_min < 0 && h_max >= 0 && h_max <= INT16_MAX, "counters must fit int16");
    return {static_cast<std::int16_t>(h_min), static_cast<std::int16_t>(h_max)};
}

LayerMaker dense(std::size_t n_inputs, std::size_t n_neurons, std::size_t group_size, int h_min, int h_max) {
    require(n_inputs >= 1 && n_inputs <= kMostNeurons && n_neurons >= 1 && n_neurons <= kMostNeurons,
            "expected layer sizes from 1 to 2^24 - 1");
    require(group_size >= 1 && n_neurons % group_size == 0, "the group size must divide the layer's size");
    const bitlocal::DenseShape shape{n_inputs, n_neurons, group_size, counter_range(h_min, h_max)};
    return {[shape] { return std::make_unique<bitlocal::Dense>(shape); }};
}

PoolMaker majority(std::size_t n_inputs, std::size_t size) {
    require(size >= 1 && n_inputs % size == 0, "the size of a majority unit must divide its inputs");
    return {[=] { return std::make_unique<bitlocal::Majority>(bitlocal::MajorityShape{n_inputs, size}); }};
}

ClassShape class_shape(std::size_t n_inputs, std::size_t n_classes, std::int32_t margin) {
    require(n_classes >= 2 && n_classes <= std::numeric_limits<std::int32_t>::max(), "expected at least two classes");
    return {n_inputs, n_classes, margin};
}

TeacherMaker class_teacher(std::size_t n_inputs, std::size_t n_classes, std::int32_t margin) {
    const ClassShape shape = class_shape(n_inputs, n_classes, margin);
    return {[shape] { return std::make_unique<bitlocal::ClassTeacher>(shape); }};
}

TeacherMaker single_output_teacher(std::size_t n_inputs, std::size_t n_classes, std::int32_t margin) {
    const ClassShape shape = class_shape(n_inputs, n_classes, margin);
    require(n_classes == 2, "a single output is for two classes");
    return {[shape] { return std::make_unique<bitlocal::SingleOutputTeacher>(shape); }};
}

TeacherMaker trained_teacher(std::size_t n_inputs, std::size_t n_classes, std::int32_t margin, int h_min, int h_max) {
    const ClassShape shape = class_shape(n_inputs, n_classes, margin);
    require(n_classes <= kMostNeurons, "expected fewer than 2^24 classes");
    const CounterRange range = counter_range(h_min, h_max);
    return {[=] { return std::make_unique<bitlocal::TrainedTeacher>(shape, range); }};
}

Network make_network(const std::vector<BlockMaker>& makers, const std::optional<std::int32_t>& readout_margin) {
    require(makers.size() < (1u << 24), "too many layers");
    bitlocal::kernels();  // complains here, if at all, about a bad choice of instruction set
    std::vector<Block> blocks;
    bool anything_learns = false;
    for (const BlockMaker& maker : makers) {
        Block block{maker.layer.make(), {}, maker.teacher.make(), maker.learns};
        for (const PoolMaker& pool : maker.pools) block.pools.push_back(pool.make());
        anything_learns = anything_learns || block.learns || block.teacher->learner() != nullptr;
        blocks.push_back(std::move(block));
    }
    require(anything_learns, "nothing is left to train");
    std::unique_ptr<Readout> readout;
    if (readout_margin) {
        require(!blocks.empty() && blocks.back().n_outputs() <= Readout::kMostInputs,
                "expected at most " + std::to_string(Readout::kMostInputs) + " activations for a readout");
        require(*readout_margin >= 0, "the margin of a readout cannot be negative");
        readout = std::make_unique<Readout>(
            bitlocal::ReadoutShape{blocks.back().n_outputs(), blocks.back().teacher->n_targets(), *readout_margin});
    }
    return Network(std::move(blocks), std::move(readout));
}

const Block& block_at(const Network& network, std::size_t layer) {
    if (layer >= network.blocks().size()) throw nb::index_error("no such layer");
    return network.blocks()[layer];
}

Counters& counters_at(const Network& network, std::size_t layer) {
    return block_at(network, layer).layer->counters();
}

Counters& classifier_of(const Network& network) {
    require(network.learner() != nullptr, "this network has no trained classifier");
    return network.learner()->counters();
}

Readout& readout_of(const Network& network) {
    require(network.readout() != nullptr, "this network has no readout");
    return *network.readout();
}

std::vector<Word> copy_rows(const bitlocal::BitMatrix& rows) {
    return {rows.row(0), rows.row(0) + rows.n_rows() * rows.n_words()};
}

// Rows of bits that come from outside must keep the contract that padding is zero.
void require_rows(const Input<Word, 2>& rows, std::size_t n, std::size_t bits, const char* what) {
    const std::size_t n_words = bitlocal::words_for(bits);
    require(rows.shape(0) == n && rows.shape(1) == n_words,
            std::string(what) + ": expected shape (" + std::to_string(n) + ", " + std::to_string(n_words) + "), got (" +
                std::to_string(rows.shape(0)) + ", " + std::to_string(rows.shape(1)) + ")");
    for (std::size_t r = 0; r < n; ++r)
        require((rows.data()[r * n_words + n_words - 1] & ~bitlocal::word_mask(bits, n_words - 1)) == 0,
                std::string(what) + ": the padding bits of row " + std::to_string(r) + " are not zero");
}

void require_hidden(const Counters& counters, const Input<std::int16_t, 2>& h) {
    require(h.shape(0) == counters.n_rows() && h.shape(1) == counters.n_inputs(),
            "counters: expected shape (" + std::to_string(counters.n_rows()) + ", " +
                std::to_string(counters.n_inputs()) + ")");
    const CounterRange range = counters.range();
    require(std::all_of(h.data(), h.data() + h.size(),
                        [range](std::int16_t v) { return v >= range.low && v <= range.high; }),
            "counters: expected values from h_min to h_max");
}

Output<std::int16_t, 2> hidden_of(const Counters& counters, const char* missing) {
    require(!counters.hidden().empty(), missing);
    return to_numpy(std::vector<std::int16_t>(counters.hidden()), counters.n_rows(), counters.n_inputs());
}

Output<std::int32_t, 2> logits(const Network& network, const Input<Word, 2>& samples, std::size_t n_threads) {
    require_samples(network.n_inputs(), samples);
    std::vector<std::int32_t> o(samples.shape(0) * network.n_logits());
    {
        nb::gil_scoped_release released;
        network.logits(samples.data(), samples.shape(0), o.data(), n_threads);
    }
    return to_numpy(std::move(o), samples.shape(0), network.n_logits());
}

Output<Word, 2> activations(const Network& network, const Input<Word, 2>& samples, std::size_t n_threads) {
    require_samples(network.n_inputs(), samples);
    const std::size_t n_words = bitlocal::words_for(network.n_outputs());
    std::vector<Word> a(samples.shape(0) * n_words);
    {
        nb::gil_scoped_release released;
        network.activations(samples.data(), samples.shape(0), a.data(), n_threads);
    }
    return to_numpy(std::move(a), samples.shape(0), n_words);
}

void set_readout(Network& network, const Input<std::int16_t, 2>& values) {
    Readout& readout = readout_of(network);
    require(values.shape(0) == readout.n_classes() && values.shape(1) == readout.n_inputs(),
            "readout: expected shape (" + std::to_string(readout.n_classes()) + ", " +
                std::to_string(readout.n_inputs()) + ")");
    readout.set_values(values.data());
}

void repeat_logits(const Network& network, const Input<Word, 2>& samples, std::size_t n_calls) {
    require_samples(network.n_inputs(), samples);
    std::vector<std::int32_t> o(samples.shape(0) * network.n_logits());
    nb::gil_scoped_release released;
    for (std::size_t i = 0; i < n_calls; ++i) network.logits(samples.data(), samples.shape(0), o.data(), 1);
}

}  // namespace

void add_network(nb::module_& m) {
    nb::class_<LayerMaker>(m, "Layer", "A kind of layer that learns, and its shape.");
    nb::class_<PoolMaker>(m, "Pool", "A kind of fixed layer above one that learns, and its shape.");
    nb::class_<TeacherMaker>(m, "Teacher", "A kind of teacher, and its shape.");
    nb::class_<BlockMaker>(m, "Block", "Neurons, what pools them, who teaches them, and whether they learn.")
        .def(
            "__init__",
            [](BlockMaker* self, const LayerMaker& layer, const std::vector<PoolMaker>& pools,
               const TeacherMaker& teacher, bool learns) { new (self) BlockMaker{layer, pools, teacher, learns}; },
            "layer"_a, "pools"_a, "teacher"_a, "learns"_a);
    m.def("dense", &dense, "n_inputs"_a, "n_neurons"_a, "group_size"_a, "h_min"_a, "h_max"_a,
          "Neurons that each have a synapse to every input; h_min, h_max: range of the counters.");
    m.def("majority", &majority, "n_inputs"_a, "size"_a, "Majority units over so many inputs each.");
    m.def("class_teacher", &class_teacher, "n_inputs"_a, "n_classes"_a, "margin"_a, "A random row for each class.");
    m.def("single_output_teacher", &single_output_teacher, "n_inputs"_a, "n_classes"_a, "margin"_a,
          "One random row for two classes, with opposite signs.");
    m.def("trained_teacher", &trained_teacher, "n_inputs"_a, "n_classes"_a, "margin"_a, "h_min"_a, "h_max"_a,
          "A row for each class that learns.");

    nb::class_<Network>(m, "Network", "Blocks of binary neurons; see docs/algorithm.md for the symbols.")
        .def(
            "__init__",
            [](Network* self, const std::vector<BlockMaker>& blocks, const std::optional<std::int32_t>& margin) {
                new (self) Network(make_network(blocks, margin));
            },
            "blocks"_a, "readout_margin"_a = nb::none(), "readout_margin: of a learned readout; None for none.")
        .def("initialise", &Network::initialise, "seed"_a, "Draw hidden weights and local classifiers.")
        .def_prop_rw("seed", &Network::seed, &Network::set_seed, "Seed of the initial draw and of the reinforcement.")
        .def_prop_ro("has_hidden_weights", &Network::has_hidden_weights, "False in a network that can only infer.")
        .def(
            "counters",
            [](const Network& self, std::size_t layer) {
                return hidden_of(counters_at(self, layer), "this network has no hidden weights");
            },
            "layer"_a, "Counters h of a layer (from 0): a copy, int16, (neurons, inputs).")
        .def(
            "set_counters",
            [](Network& self, std::size_t layer, const Input<std::int16_t, 2>& h) {
                Counters& counters = counters_at(self, layer);
                require_hidden(counters, h);
                counters.set_hidden(h.data());
            },
            "layer"_a, "h"_a, "Set the counters of a layer and its binary weights with them.")
        .def(
            "weights",
            [](const Network& self, std::size_t layer) {
                const bitlocal::BitMatrix rows = counters_at(self, layer).weights();
                return to_numpy(copy_rows(rows), rows.n_rows(), rows.n_words());
            },
            "layer"_a, "Binary weights of a layer: packed, uint64, (neurons, words).")
        .def(
            "set_weights",
            [](Network& self, std::size_t layer, const Input<Word, 2>& rows) {
                Counters& counters = counters_at(self, layer);
                require_rows(rows, counters.n_rows(), counters.n_inputs(), "weights");
                counters.set_weights(rows.data());
            },
            "layer"_a, "rows"_a, "Set the binary weights of a layer and drop its hidden weights.")
        .def(
            "local_classifier",
            [](const Network& self, std::size_t layer) {
                const bitlocal::BitMatrix& rows = block_at(self, layer).teacher->rows();
                return to_numpy(copy_rows(rows), rows.n_rows(), rows.n_words());
            },
            "layer"_a, "Local random classifier of a layer: packed, uint64, (classes, words).")
        .def(
            "set_local_classifier",
            [](Network& self, std::size_t layer, const Input<Word, 2>& rows) {
                bitlocal::Teacher& teacher = *block_at(self, layer).teacher;
                require_rows(rows, teacher.rows().n_rows(), teacher.n_inputs(), "local classifier");
                teacher.set_rows(rows.data());
            },
            "layer"_a, "rows"_a, "Set the local classifier of a layer.")
        .def(
            "classifier_counters",
            [](const Network& self) {
                return hidden_of(classifier_of(self), "this network has no trained classifier");
            },
            "Counters h of the trained classifier: a copy, int16, (classes, outputs of the last layer).")
        .def(
            "set_classifier_counters",
            [](Network& self, const Input<std::int16_t, 2>& h) {
                Counters& counters = classifier_of(self);
                require_hidden(counters, h);
                counters.set_hidden(h.data());
                for (std::size_t c = 0; c < self.n_targets(); ++c) self.blocks().back().teacher->refresh(c);
            },
            "h"_a, "Set the counters of the trained classifier, and the last layer's classifier with them.")
        .def(
            "readout",
            [](const Network& self) {
                const Readout& readout = readout_of(self);
                return to_numpy(std::vector<std::int16_t>(readout.values()), readout.n_classes(), readout.n_inputs());
            },
            "The learned readout: a copy, int16, (classes, outputs of the last layer).")
        .def("set_readout", &set_readout, "values"_a, "Set the readout.")
        .def(
            "start_readout", [](Network& self) { readout_of(self).start(self.teacher().rows()); },
            "Let the readout begin with the last local classifier.")
        .def("activations", &activations, "samples"_a, "n_threads"_a,
             "Activations of the last layer: packed, uint64, (samples, words).")
        .def("logits", &logits, "samples"_a, "n_threads"_a, "What the network answers: int32, (samples, classes).")
        .def("repeat_logits", &repeat_logits, "samples"_a, "n_calls"_a,
             "Compute the logits so many times with one thread, without Python in between, to be timed.");
}

}  // namespace bindings
