// The core without Python, for the sanitizers: every path of training and inference, with threads, on odd shapes.
// What the results should be is the Python tests' business; here, all instruction sets and numbers of threads must
// agree.
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "encode.hpp"
#include "kernels/dispatch.hpp"
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
    bool majority = false;
    bool freeze_first = false;
    bool train_classifier = false;
    bool single_output = false;
    bool readout = false;
};

struct Problem {
    std::vector<Word> samples;
    std::vector<std::int32_t> labels;
    std::vector<std::uint32_t> order;
    std::vector<std::uint64_t> weights;  // empty where each sample counts once
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

// Weights from 0 to 4, and a few large ones.
void weigh(Problem& problem) {
    RandomStream random(7, Purpose::kSyntheticData, 0, 0, 0);
    for (std::size_t s = 0; s < problem.order.size(); ++s) {
        const std::uint64_t word = random[s];
        problem.weights.push_back(word % 16 == 0 ? std::uint64_t{kMaxRepeats} << 32 : word >> 30);
    }
}

struct Outcome {
    std::vector<std::vector<std::int16_t>> counters;
    std::vector<std::int32_t> logits;
    std::vector<std::int32_t> presented;  // the logits of samples before they were learnt from
    std::uint64_t seen = 0;
    std::uint64_t correct = 0;
    std::vector<std::uint64_t> errors;
    std::vector<std::uint64_t> updates;
    std::uint64_t draws = 0;
    std::uint64_t reinforced = 0;
    std::vector<std::int16_t> readout;  // after streams, and after passes on top
    std::vector<std::uint64_t> readout_counts;

    bool operator==(const Outcome&) const = default;
};

std::vector<Block> make_blocks(const Case& c) {
    const CounterRange range{static_cast<std::int16_t>(-c.h_max - 1), c.h_max};
    std::vector<Block> blocks;
    for (std::size_t l = 0; l + 1 < c.sizes.size(); ++l) {
        Block block;
        const std::size_t n_neurons = c.sizes[l + 1];
        block.layer = std::make_unique<Dense>(DenseShape{c.sizes[l], n_neurons, c.group_size, range});
        if (c.majority) block.pools.push_back(std::make_unique<Majority>(MajorityShape{n_neurons, c.group_size}));
        const ClassShape shape{block.n_outputs(), c.n_classes, static_cast<std::int32_t>(n_neurons / 4)};
        if (c.train_classifier && l + 2 == c.sizes.size())
            block.teacher = std::make_unique<TrainedTeacher>(shape, range);
        else if (c.single_output)
            block.teacher = std::make_unique<SingleOutputTeacher>(shape);
        else
            block.teacher = std::make_unique<ClassTeacher>(shape);
        block.learns = !(c.freeze_first && l == 0);
        blocks.push_back(std::move(block));
    }
    return blocks;
}

Network make_network(const Case& c) {
    std::vector<Block> blocks = make_blocks(c);
    std::unique_ptr<Readout> readout;
    if (c.readout) {
        const std::size_t n = blocks.back().n_outputs();
        readout = std::make_unique<Readout>(ReadoutShape{n, c.n_classes, static_cast<std::int32_t>(64 * (n / 10))});
    }
    return Network(std::move(blocks), std::move(readout));
}

// A pass on top of what was learnt.
void pass(const Problem& problem, Network& network, std::size_t batch_size, std::size_t n_threads, Outcome& outcome) {
    Readout& readout = *network.readout();
    const auto keep = [&] {
        outcome.readout.insert(outcome.readout.end(), readout.values().begin(), readout.values().end());
    };
    keep();
    const std::size_t n = problem.order.size();
    std::vector<Word> a(n * words_for(network.n_outputs()));
    network.activations(problem.samples.data(), n, a.data(), n_threads);
    const ReadoutSet set{a.data(), problem.labels.data(), problem.order.data(), n,
                         problem.weights.empty() ? nullptr : problem.weights.data()};
    const ReadoutCounts counts = readout.pass(set, {42, 1, 0}, batch_size, n_threads);
    outcome.readout_counts.insert(outcome.readout_counts.end(), {counts.seen, counts.correct, counts.updates});
    keep();
}

Outcome run(const Case& c, const Problem& problem, std::size_t n_threads) {
    Network network = make_network(c);
    network.initialise(42);
    Outcome outcome;
    outcome.presented.resize(problem.order.size() * c.n_classes);
    const TrainingSet set{problem.samples.data(),
                          problem.labels.data(),
                          problem.order.data(),
                          problem.order.size(),
                          problem.weights.empty() ? nullptr : problem.weights.data(),
                          outcome.presented.data(),
                          true};
    {
        Trainer trainer(network, c.batch_size, n_threads);  // resident: the same for all calls
        const std::vector<std::uint64_t> thresholds(trainer.n_learners(), std::uint64_t{1} << 28);
        for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
            trainer.time_phases(epoch == 1);  // being timed changes nothing
            const auto counts = trainer.run(set, epoch * 1000, thresholds);
            outcome.seen += counts.seen;
            outcome.correct += counts.correct;
            outcome.errors = counts.errors;
            outcome.updates = counts.updates;
            outcome.readout_counts.push_back(counts.readout);
            for (const ReinforcementCounts& layer : counts.reinforcement) {
                outcome.draws += layer.draws;
                outcome.reinforced += layer.reinforced;
            }
        }
    }
    for (const Block& block : network.blocks()) outcome.counters.push_back(block.layer->counters().hidden());
    if (network.learner() != nullptr) outcome.counters.push_back(network.learner()->counters().hidden());
    if (c.readout) pass(problem, network, c.batch_size, n_threads, outcome);
    outcome.logits.resize(problem.order.size() * c.n_classes);
    network.logits(problem.samples.data(), problem.order.size(), outcome.logits.data(), n_threads);

    // Back through packed weights: the same logits from a network that can only infer.
    Network copy = make_network(c);
    for (std::size_t l = 0; l < copy.blocks().size(); ++l) {
        const Block& block = network.blocks()[l];
        copy.blocks()[l].layer->counters().set_weights(block.layer->counters().weights().row(0));
        copy.blocks()[l].teacher->set_rows(block.teacher->rows().row(0));
    }
    if (c.readout) copy.readout()->set_values(network.readout()->values().data());
    std::vector<std::int32_t> logits(outcome.logits.size());
    copy.logits(problem.samples.data(), problem.order.size(), logits.data(), n_threads);
    if (copy.has_hidden_weights() || logits != outcome.logits) {
        std::puts("a network restored from its weights differs");
        std::exit(1);
    }
    return outcome;
}

// Encoding: codes of random widths, written behind other bits, must be those that a plain loop gives.
template <class Value>
bool encodes(std::size_t n_rows, std::size_t n_columns, std::size_t most_thresholds, bool missing) {
    RandomStream random(2, Purpose::kSyntheticData, 0, 0, 0);
    std::uint64_t next = 0;
    std::vector<Value> x(n_rows * n_columns);
    for (auto& value : x) value = static_cast<Value>(random[next++] % 200);
    std::vector<std::uint32_t> columns, first{0};
    std::vector<std::uint8_t> flags;
    std::vector<Value> thresholds;
    std::size_t n_bits = 0;
    for (std::size_t c = 0; c < n_columns; ++c) {
        columns.push_back(static_cast<std::uint32_t>(random[next++] % n_columns));
        const std::size_t n = random[next++] % (most_thresholds + 1);
        for (std::size_t t = 0; t < n; ++t) thresholds.push_back(static_cast<Value>(200 * t / n));
        flags.push_back(missing && random[next++] % 2);
        first.push_back(static_cast<std::uint32_t>(thresholds.size()));
        n_bits += n + flags.back();
    }
    const std::size_t first_bit = 5, n_words = words_for(first_bit + n_bits);
    std::vector<Word> words(n_rows * n_words);
    const ColumnCodes<Value> codes{columns.data(), first.data(), flags.data(), n_columns, thresholds.data()};
    encode_columns(x.data(), n_columns, codes, {words.data(), n_rows, n_words, first_bit});
    for (std::size_t r = 0; r < n_rows; ++r) {
        const Word* row = words.data() + r * n_words;
        std::size_t bit = first_bit;
        for (std::size_t i = 0; i < n_columns; ++i) {
            for (std::size_t t = first[i]; t < first[i + 1]; ++t)
                if (get_bit(row, bit++) != (x[r * n_columns + columns[i]] > thresholds[t])) return false;
            if (flags[i] && get_bit(row, bit++)) return false;
        }
        for (std::size_t k = 0; k < first_bit; ++k)
            if (get_bit(row, k)) return false;
        for (; bit < n_words * kWordBits; ++bit)
            if (get_bit(row, bit)) return false;
    }
    return true;
}

bool places(std::size_t n_bits, std::size_t first_bit) {
    const std::size_t n_rows = 3, n_words = words_for(n_bits), n_out = words_for(first_bit + n_bits);
    RandomStream random(3, Purpose::kSyntheticData, 0, 0, 0);
    std::vector<Word> rows(n_rows * n_words), out(n_rows * n_out);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = random[i] & word_mask(n_bits, i % n_words);
    place_bits(rows.data(), n_bits, {out.data(), n_rows, n_out, first_bit});
    for (std::size_t r = 0; r < n_rows; ++r)
        for (std::size_t k = 0; k < n_out * kWordBits; ++k) {
            const bool inside = k >= first_bit && k < first_bit + n_bits;
            const bool expected = inside && get_bit(rows.data() + r * n_words, k - first_bit);
            if (get_bit(out.data() + r * n_out, k) != expected) return false;
        }
    return true;
}

bool counts_bits() {
    const Word row[2] = {0b1011, ~Word{0}};
    const std::uint32_t first_term[3] = {0, 1, 3}, words[3] = {0, 0, 1};
    const Word masks[3] = {0b0110, 0b1111, 0xFF}, flips[3] = {0, 0b1111, 0};
    bool right = true;
    for (const InstructionSet& isa : instruction_sets()) {
        std::int32_t counts[2] = {};
        if (isa.supported) isa.kernels->encode.masked_popcounts(row, first_term, words, masks, flips, 2, counts);
        right = right && (!isa.supported || (counts[0] == 1 && counts[1] == 1 + 8));
    }
    const std::uint8_t x[3] = {200, 10, 255};
    const std::uint32_t columns[3] = {0, 1, 2};
    const std::int16_t weights[3] = {-3, 2, 1};
    std::int32_t sums[2];
    weighted_sums(x, 1, 3, first_term, columns, weights, 2, sums);
    return right && sums[0] == -600 && sums[1] == 275;
}

bool ranks_numbers() {
    const std::int32_t numbers[8] = {5, -1, 9, 0, 5, 1, -3, -2};
    const std::int32_t expected[8] = {1, -1, 2, 0, 1, 1, -2, -1};
    const std::uint32_t first[4] = {0, 0, 5, 8};  // the first group is empty
    std::int32_t ranks[8];
    signed_ranks(numbers, 1, first, 3, 2, ranks);
    return std::equal(ranks, ranks + 8, expected);
}

template <class Value>
bool compares_pairs(std::size_t n_pairs, std::int32_t margin) {
    const std::size_t n_rows = 3, n_columns = 300, first_bit = 7, n_words = words_for(first_bit + n_pairs);
    RandomStream random(4, Purpose::kSyntheticData, 0, 0, 0);
    std::uint64_t next = 0;
    std::vector<Value> x(n_rows * n_columns);
    for (auto& value : x) value = static_cast<Value>(random[next++]);
    std::vector<std::uint32_t> first, second;
    while (first.size() < n_pairs) {  // runs of all lengths, and single pairs
        const auto a = static_cast<std::uint32_t>(random[next++] % 250),
                   b = static_cast<std::uint32_t>(random[next++] % 250);
        for (std::uint32_t k = 0; k < 1 + random[next] % 50 && first.size() < n_pairs; ++k) {
            first.push_back(a + k);
            second.push_back(b + k);
        }
        ++next;
    }
    std::vector<Word> words(n_rows * n_words);
    encode_differences(x.data(), n_columns, first.data(), second.data(), n_pairs, margin,
                       {words.data(), n_rows, n_words, first_bit});
    for (std::size_t r = 0; r < n_rows; ++r)
        for (std::size_t k = 0; k < n_words * kWordBits; ++k) {
            const std::size_t i = k - first_bit;
            const bool inside = k >= first_bit && i < n_pairs;
            const Value* sample = x.data() + r * n_columns;
            const bool expected = inside && sample[first[i]] - sample[second[i]] > margin;
            if (get_bit(words.data() + r * n_words, k) != expected) return false;
        }
    return true;
}

bool test_encoding() {
    bool right = counts_bits() && ranks_numbers();
    for (std::size_t n_pairs : {std::size_t{0}, std::size_t{1}, std::size_t{8}, std::size_t{57}, std::size_t{500}})
        for (std::int32_t margin : {0, 15, 40000})
            right =
                right && compares_pairs<std::uint8_t>(n_pairs, margin) && compares_pairs<std::int16_t>(n_pairs, margin);
    for (std::size_t n_rows : {std::size_t{1}, std::size_t{300}})
        for (std::size_t n_columns : {std::size_t{1}, std::size_t{13}, std::size_t{64}})
            for (std::size_t most :
                 {std::size_t{0}, std::size_t{3}, std::size_t{16}, std::size_t{64}, std::size_t{199}})
                right = right && encodes<std::uint8_t>(n_rows, n_columns, most, true) &&
                        encodes<std::int32_t>(n_rows, n_columns, most, false) &&
                        encodes<float>(n_rows, n_columns, most, true) &&
                        encodes<double>(n_rows, n_columns, most, false);
    for (std::size_t n_bits : {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65}, std::size_t{200}})
        for (std::size_t first_bit :
             {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{70}})
            right = right && places(n_bits, first_bit);
    if (!right) std::fprintf(stderr, "FAILED: encoding\n");
    return right;
}

// A trainer that two threads call at once does one call after the other. Both calls are the same here, so it does not
// matter which comes first.
bool test_callers() {
    const Case c{{130, 45, 30}, 15, 3, 8, 127};
    const Problem problem = make_problem(150, c.sizes.front(), c.n_classes);
    const TrainingSet set{problem.samples.data(), problem.labels.data(), problem.order.data(), problem.order.size()};
    for (std::size_t n_threads : {1u, 2u}) {
        const auto hidden_after = [&](auto&& call_twice) {
            Network network(make_blocks(c));
            network.initialise(42);
            Trainer trainer(network, c.batch_size, n_threads);
            const std::vector<std::uint64_t> thresholds(trainer.n_learners(), std::uint64_t{1} << 28);
            call_twice([&] {
                for (int i = 0; i < 20; ++i) trainer.run(set, 0, thresholds);
            });
            return network.blocks().back().layer->counters().hidden();
        };
        const auto in_turn = hidden_after([](auto&& call) {
            call();
            call();
        });
        const auto at_once = hidden_after([](auto&& call) {
            std::thread other(call);
            call();
            other.join();
        });
        if (in_turn == at_once) continue;
        std::printf("two callers of a trainer with %zu threads got in each other's way\n", n_threads);
        return false;
    }
    return true;
}

}  // namespace

int main() {
    if (!test_encoding() || !test_callers()) return 1;
    const std::vector<Case> cases = {
        {{1, 1}, 1, 2, 1, 1},
        {{63, 9}, 3, 3, 7, 100},
        {{64, 8}, 8, 2, 16, 32767},
        {{65, 130, 65}, 5, 10, 33, 0},
        {{200, 129, 126, 63}, 3, 11, 500, 32767},
        {{100, 195}, 3, 4, 30, 127, true},
        {{90, 130, 65}, 5, 10, 20, 7, false, true, true},
        {{90, 33}, 11, 12, 50, 127, false, true, true},
        {{70, 60, 30}, 15, 2, 9, 255, false, false, false, true},
        {{70, 60, 33}, 3, 7, 9, 255, false, false, false, false, true},
        {{40, 300}, 20, 3, 200, 32767, false, false, false, false, true},
    };
    std::size_t runs = 0;
    for (std::size_t i = 0; i < 2 * cases.size(); ++i) {
        const Case& c = cases[i / 2];
        Problem problem = make_problem(150, c.sizes.front(), c.n_classes);
        if (i % 2 == 1) weigh(problem);
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
