// The core without Python, for the sanitizers: every path of training and inference, with threads, on odd shapes.
// What the results should be is the Python tests' business; here, all instruction sets and numbers of threads must
// agree.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "dispatch.hpp"
#include "pack.hpp"
#include "trainer.hpp"

namespace {

using namespace bitlocal;

struct Case {
    std::vector<std::size_t> sizes;  // K_0 ... K_L
    std::size_t group_size;
    std::size_t n_classes;
    std::size_t batch_size;
    std::int16_t h_max;
};

struct Problem {
    std::vector<Word> samples;
    std::vector<std::int32_t> labels;
    std::vector<std::uint32_t> order;
};

Problem make_problem(std::size_t n, std::size_t n_inputs, std::size_t n_classes) {
    Problem problem;
    problem.samples.resize(n * words_for(n_inputs));
    std::vector<std::uint8_t> bytes(n_inputs);
    RandomStream random(1, Purpose::kSyntheticData, 0, 0, 0);
    std::uint64_t next = 0;
    for (std::size_t s = 0; s < n; ++s) {
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random[next++] >> 63);
        pack_row(bytes.data(), n_inputs, problem.samples.data() + s * words_for(n_inputs));
        problem.labels.push_back(static_cast<std::int32_t>(random[next++] % n_classes));
    }
    problem.order.resize(n);
    permutation(1, Purpose::kSampleOrder, 0, problem.order.data(), static_cast<std::uint32_t>(n));
    return problem;
}

struct Outcome {
    std::vector<std::vector<std::int16_t>> counters;
    std::vector<std::int32_t> logits;
    std::uint64_t correct = 0;
    std::vector<std::uint64_t> errors;

    bool operator==(const Outcome&) const = default;
};

Outcome run(const Case& c, const Problem& problem, std::size_t n_threads) {
    std::vector<LayerShape> shapes;
    for (std::size_t l = 0; l + 1 < c.sizes.size(); ++l)
        shapes.push_back({c.sizes[l], c.sizes[l + 1], c.n_classes, c.group_size,
                          static_cast<std::int32_t>(c.sizes[l + 1] / 4), static_cast<std::int16_t>(-c.h_max - 1),
                          c.h_max});
    Network network(shapes);
    network.initialise(42);
    const TrainingSet set{problem.samples.data(), problem.labels.data(), problem.order.data(), problem.order.size()};
    const std::vector<std::uint64_t> thresholds(shapes.size(), std::uint64_t{1} << 28);
    Outcome outcome;
    for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
        std::vector<PhaseTimes> times(epoch == 1 ? n_threads : 0);  // being timed changes nothing
        const auto counts = train(network, set, c.batch_size, epoch * 1000, thresholds, n_threads,
                                  times.empty() ? nullptr : times.data());
        outcome.correct += counts.correct;
        outcome.errors = counts.errors;
    }
    for (const Layer& layer : network.layers()) outcome.counters.push_back(layer.counters());
    outcome.logits.resize(problem.order.size() * c.n_classes);
    network.logits(problem.samples.data(), problem.order.size(), outcome.logits.data(), n_threads);

    // Back through packed weights: the same logits from a network that can only infer.
    Network copy(shapes);
    for (std::size_t l = 0; l < shapes.size(); ++l) {
        copy.layers()[l].set_weights(network.layers()[l].weights().row(0));
        copy.layers()[l].set_local_classifier(network.layers()[l].local_classifier().row(0));
    }
    std::vector<std::int32_t> logits(outcome.logits.size());
    copy.logits(problem.samples.data(), problem.order.size(), logits.data(), n_threads);
    if (copy.has_hidden_weights() || logits != outcome.logits) {
        std::puts("a network restored from its weights differs");
        std::exit(1);
    }
    return outcome;
}

}  // namespace

int main() {
    const std::vector<Case> cases = {
        {{1, 1}, 1, 2, 1, 1},
        {{63, 9}, 3, 3, 7, 100},
        {{64, 8}, 8, 2, 16, 32767},
        {{65, 130, 65}, 5, 10, 33, 0},
        {{200, 129, 126, 63}, 3, 11, 500, 32767},
    };
    std::size_t runs = 0;
    for (const Case& c : cases) {
        const Problem problem = make_problem(150, c.sizes.front(), c.n_classes);
        use_instruction_set("portable");
        const Outcome expected = run(c, problem, 1);
        for (const InstructionSet& isa : instruction_sets()) {
            if (!isa.supported) {
                std::printf("skipped: this processor does not support %s\n", isa.kernels->name);
                continue;
            }
            use_instruction_set(isa.kernels->name);
            for (std::size_t n_threads : {1u, 2u, 3u, 5u}) {
                ++runs;
                if (run(c, problem, n_threads) == expected) continue;
                std::printf("%s with %zu threads differs from portable with one\n", isa.kernels->name, n_threads);
                return 1;
            }
        }
    }
    std::printf("%zu runs agree\n", runs);
    return 0;
}
