// Training: a resident trainer, what it counts, and where its time goes.
#include "trainer.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "checks.hpp"

namespace bindings {
namespace {

using namespace nb::literals;
using bitlocal::Trainer;
using bitlocal::TrainingCounts;

using Numbers = std::vector<std::uint64_t>;
// Room for integers, which is filled.
using Room = nb::ndarray<std::int32_t, nb::numpy, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Weights = Input<std::uint64_t, 1>;

Numbers reinforcement_of(const TrainingCounts& counts, std::uint64_t bitlocal::ReinforcementCounts::* what) {
    Numbers numbers;
    for (const bitlocal::ReinforcementCounts& layer : counts.reinforcement) numbers.push_back(layer.*what);
    return numbers;
}

// What is presented must be there: labels, and weights where samples have some.
void require_presented(std::size_t n_samples, std::size_t n_classes, const Input<std::int32_t, 1>& labels,
                       const Input<std::uint32_t, 1>& order, const std::optional<Weights>& weights) {
    require(labels.shape(0) == n_samples, "labels: expected one a sample");
    for (std::size_t i = 0; i < order.shape(0); ++i) {
        const std::uint32_t row = order.data()[i];
        require(row < n_samples, "order: expected row numbers of samples");
        const std::int32_t label = labels.data()[row];
        require(label >= 0 && label < static_cast<std::int32_t>(n_classes),
                "labels: expected numbers from 0 to n_classes - 1");
    }
    constexpr auto most = std::uint64_t{bitlocal::kMaxRepeats} << 32;
    require(!weights || weights->shape(0) == n_samples, "weights: expected one a sample");
    require(!weights || std::all_of(weights->data(), weights->data() + weights->shape(0),
                                    [](std::uint64_t weight) { return weight <= most; }),
            "weights: expected at most " + std::to_string(bitlocal::kMaxRepeats) + ", in units of 2^-32");
}

TrainingCounts run(Trainer& trainer, const Input<Word, 2>& samples, const Input<std::int32_t, 1>& labels,
                   const Input<std::uint32_t, 1>& order, std::uint32_t first_step, const Numbers& thresholds,
                   const std::optional<Weights>& weights, const std::optional<Room>& logits, bool readout_learns) {
    const bitlocal::Network& network = trainer.network();
    require(network.has_hidden_weights(), "a network without hidden weights cannot be trained");
    require_samples(network.n_inputs(), samples);
    require(thresholds.size() == trainer.n_learners(),
            "thresholds: expected one a layer, and one for a trained classifier");
    require_presented(samples.shape(0), network.n_targets(), labels, order, weights);
    require(std::all_of(thresholds.begin(), thresholds.end(),
                        [](std::uint64_t threshold) { return threshold <= std::uint64_t{1} << 32; }),
            "thresholds: expected at most 2^32");
    require(!logits || (logits->shape(0) == order.shape(0) && logits->shape(1) == network.n_logits()),
            "logits: expected room for one row a sample presented");
    const bitlocal::TrainingSet set{samples.data(),
                                    labels.data(),
                                    order.data(),
                                    order.shape(0),
                                    weights ? weights->data() : nullptr,
                                    logits ? logits->data() : nullptr,
                                    readout_learns};
    nb::gil_scoped_release released;
    return trainer.run(set, first_step, thresholds);
}

bitlocal::ReadoutCounts pass_readout(bitlocal::Network& network, const Input<Word, 2>& activations,
                                     const Input<std::int32_t, 1>& labels, const Input<std::uint32_t, 1>& order,
                                     std::uint32_t number, std::uint32_t first_step, std::size_t batch_size,
                                     std::size_t n_threads, const std::optional<Weights>& weights) {
    require(network.readout() != nullptr, "this network has no readout");
    require(batch_size >= 1, "batch_size: expected at least 1");
    require(n_threads >= 1, "n_threads: expected at least 1");
    require(number < (1u << 24), "expected a number below 2^24");
    require_samples(network.n_outputs(), activations);
    require_presented(activations.shape(0), network.n_targets(), labels, order, weights);
    const bitlocal::ReadoutSet set{activations.data(), labels.data(), order.data(), order.shape(0),
                                   weights ? weights->data() : nullptr};
    nb::gil_scoped_release released;
    return network.readout()->pass(set, {network.seed(), number, first_step}, batch_size, n_threads);
}

Output<std::uint64_t, 2> phase_times(const Trainer& trainer) {
    Numbers times;
    for (const bitlocal::PhaseTimes& of_thread : trainer.phase_times())
        times.insert(times.end(), of_thread.begin(), of_thread.end());
    return to_numpy(std::move(times), trainer.n_threads(), bitlocal::kPhaseNames.size());
}

}  // namespace

void add_trainer(nb::module_& m) {
    auto phases =
        nb::enum_<bitlocal::Phase>(m, "Phase", nb::is_arithmetic(), "What the time of a training is split into.");
    for (std::size_t i = 0; i < bitlocal::kPhaseNames.size(); ++i)
        phases.value(bitlocal::kPhaseNames[i], static_cast<bitlocal::Phase>(i));

    m.attr("most_repeats") = bitlocal::kMaxRepeats;

    nb::class_<TrainingCounts>(m, "TrainingCounts", "What a stretch of training counted.")
        .def_ro("seen", &TrainingCounts::seen,
                "Samples that were presented; here and below each as often as it counts.")
        .def_ro("correct", &TrainingCounts::correct, "Samples that the last layer classified correctly when presented.")
        .def_ro("errors", &TrainingCounts::errors,
                "Per layer: samples with an error signal; 0 in a frozen one below others.")
        .def_ro("updates", &TrainingCounts::updates,
                "Per layer, and for a trained classifier: updates of a neuron by a sample.")
        .def_prop_ro(
            "draws",
            [](const TrainingCounts& self) { return reinforcement_of(self, &bitlocal::ReinforcementCounts::draws); },
            "Likewise: random words that the reinforcement drew.")
        .def_prop_ro(
            "reinforced",
            [](const TrainingCounts& self) {
                return reinforcement_of(self, &bitlocal::ReinforcementCounts::reinforced);
            },
            "Likewise: synapses that it moved.")
        .def_ro("readout", &TrainingCounts::readout, "Updates of a row of the readout by a sample.");

    nb::class_<bitlocal::ReadoutCounts>(m, "ReadoutCounts", "What a pass of a readout counted.")
        .def_ro("seen", &bitlocal::ReadoutCounts::seen,
                "Samples that were presented; here and below each as often as it counts.")
        .def_ro("correct", &bitlocal::ReadoutCounts::correct, "Samples that were classified correctly when presented.")
        .def_ro("updates", &bitlocal::ReadoutCounts::updates, "Updates of a row by a sample.");
    m.def("pass_readout", &pass_readout, "network"_a, "activations"_a, "labels"_a, "order"_a, "number"_a,
          "first_step"_a, "batch_size"_a, "n_threads"_a, "weights"_a = nb::none(),
          "Let the readout learn from samples once, in the given order; number: of the pass, from 1.");

    nb::class_<Trainer>(m, "Trainer", "Trains a network; keeps its threads and its memory from call to call.")
        .def(
            "__init__",
            [](Trainer* self, bitlocal::Network& network, std::size_t batch_size, std::size_t n_threads) {
                require(batch_size >= 1, "batch_size: expected at least 1");
                require(n_threads >= 1, "n_threads: expected at least 1");
                new (self) Trainer(network, batch_size, n_threads);
            },
            "network"_a, "batch_size"_a, "n_threads"_a, nb::keep_alive<1, 2>())
        .def_prop_ro("batch_size", &Trainer::batch_size, "Samples in a mini-batch, at most.")
        .def_prop_ro("n_threads", &Trainer::n_threads, "Threads.")
        .def_prop_ro("usable", &Trainer::usable, "False in a process that was forked off after the trainer was made.")
        .def("run", &run, "samples"_a, "labels"_a, "order"_a, "first_step"_a, "thresholds"_a, "weights"_a = nb::none(),
             "logits"_a.noconvert() = nb::none(), "readout_learns"_a = false,
             "Train on the samples in the given order; weights in units of 2^-32; logits: room for what the network "
             "answers to the samples as they are presented; readout_learns: whether it does, where there is one.")
        .def(
            "positions",
            [](const Trainer& self) {
                std::vector<std::pair<std::uint32_t, std::string>> named;
                for (const auto& [step, activity] : self.positions())
                    named.emplace_back(step, bitlocal::kActivityNames[static_cast<std::size_t>(activity)]);
                return named;
            },
            "The mini-batch that each thread is at, and what it does there; for bug reports, also while it runs.")
        .def("time_phases", &Trainer::time_phases, "wanted"_a, "Whether to take the time of the phases.")
        .def("phase_times", &phase_times,
             "The nanoseconds that each thread has spent in each phase: uint64, (threads, phases).");
}

}  // namespace bindings
