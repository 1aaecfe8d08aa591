// The seams of the core: a layer, a teacher and an exchange that the core knows nothing of, trained by its own trainer.
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "random.hpp"
#include "seams/codes.hpp"
#include "seams/convolution.hpp"
#include "seams/gathered.hpp"
#include "seams/permutation.hpp"
#include "seams/reversed.hpp"
#include "trainer.hpp"

namespace {

using namespace bitlocal;

constexpr std::size_t kInputs = 90, kNeurons = 75, kGroup = 15, kClasses = 5, kSamples = 200;
constexpr std::size_t kBatch = 10;
constexpr std::uint32_t kSteps = kSamples / kBatch;  // of an epoch

// Noisy prototypes.
struct Problem {
    std::vector<Word> samples = std::vector<Word>(kSamples * words_for(kInputs));
    std::vector<std::int32_t> labels;
    std::vector<std::uint32_t> order;

    Problem() {
        RandomStream random(3, Purpose::kSyntheticData, 0, 0, 0);
        std::uint64_t next = 1000;
        for (std::size_t s = 0; s < kSamples; ++s) {
            const std::size_t label = s % kClasses;
            for (std::size_t w = 0; w < words_for(kInputs); ++w) {
                const Word noise = random[next] & random[next + 1] & random[next + 2];
                samples[s * words_for(kInputs) + w] = (random[label * 7 + w] ^ noise) & word_mask(kInputs, w);
                next += 3;
            }
            labels.push_back(static_cast<std::int32_t>(label));
            order.push_back(static_cast<std::uint32_t>(s));
        }
    }
};

Block block_of(std::unique_ptr<Teacher> teacher) {
    Block block;
    block.layer = std::make_unique<Dense>(DenseShape{kInputs, kNeurons, kGroup});
    block.teacher = std::move(teacher);
    return block;
}

Network network_of(Block block) {
    std::vector<Block> blocks;
    blocks.push_back(std::move(block));
    Network network(std::move(blocks));
    network.initialise(11);
    return network;
}

// Trains, and gives the share of samples that were right in the last epoch, in per cent.
std::uint64_t train(Network& network, const Problem& problem, std::size_t n_threads,
                    std::unique_ptr<Exchange> exchange) {
    Trainer trainer(network, kBatch, n_threads, std::move(exchange));
    const TrainingSet set{problem.samples.data(), problem.labels.data(), problem.order.data(), kSamples};
    std::uint64_t correct = 0;
    for (std::uint32_t epoch = 0; epoch < 20; ++epoch)
        correct = trainer.run(set, epoch * kSteps, {std::uint64_t{1} << 26}).correct;
    return 100 * correct / kSamples;
}

std::uint64_t train(Network& network, const Problem& problem, std::size_t n_threads) {
    return train(network, problem, n_threads, std::make_unique<LocalExchange>());
}

const std::vector<std::int16_t>& hidden(const Network& network) {
    return std::as_const(*network.blocks()[0].layer).counters().hidden();
}

bool check(bool right, const char* what) {
    std::printf("%s: %s\n", what, right ? "right" : "WRONG");
    return right;
}

// A permutation between neurons and classifier is the same as a classifier whose rows are permuted back.
bool test_layer(const Problem& problem) {
    std::vector<std::size_t> order;
    for (std::size_t k = 0; k < kNeurons; ++k) order.push_back((k * 32 + 5) % kNeurons);
    const ClassShape shape{kNeurons, kClasses, kNeurons / 4};
    Block shuffled = block_of(std::make_unique<ClassTeacher>(shape));
    shuffled.pools.push_back(std::make_unique<seams::Permutation>(order));
    Network with_layer = network_of(std::move(shuffled));

    Network without = network_of(block_of(std::make_unique<ClassTeacher>(shape)));
    BitMatrix rows(kClasses, kNeurons);
    const seams::Permutation permutation(order);
    for (std::size_t c = 0; c < kClasses; ++c) permutation.hand_down(with_layer.teacher().rows().row(c), rows.row(c));
    without.blocks()[0].teacher->set_rows(rows.row(0));

    const std::uint64_t accuracy = train(with_layer, problem, 2);
    train(without, problem, 1);
    return check(hidden(with_layer) == hidden(without) && accuracy > 95, "a layer in one file");
}

bool test_teacher(const Problem& problem) {
    Network one = network_of(block_of(std::make_unique<seams::Codes>(kNeurons, kClasses)));
    Network other = network_of(block_of(std::make_unique<seams::Codes>(kNeurons, kClasses)));
    const std::uint64_t accuracy = train(one, problem, 1);
    train(other, problem, 3);
    return check(hidden(one) == hidden(other) && accuracy > 95, "a teacher in one file");
}

bool test_exchange(const Problem& problem) {
    const ClassShape shape{kNeurons, kClasses, kNeurons / 4};
    Network one = network_of(block_of(std::make_unique<ClassTeacher>(shape)));
    Network other = network_of(block_of(std::make_unique<ClassTeacher>(shape)));
    train(one, problem, 1);
    train(other, problem, 3, std::make_unique<seams::Reversed>());
    return check(hidden(one) == hidden(other), "an exchange in one file");
}

constexpr seams::ConvolutionShape kConvolution{kInputs, 78, 4, 45, 5};  // 4 positions, 180 outputs in 9 groups

Network convolution_of(const seams::ConvolutionShape& shape) {
    const std::size_t n_outputs = shape.n_filters * shape.n_positions();
    Block block;
    block.layer = std::make_unique<seams::Convolution>(shape);
    block.teacher =
        std::make_unique<ClassTeacher>(ClassShape{n_outputs, kClasses, static_cast<std::int32_t>(n_outputs / 4)});
    return network_of(std::move(block));
}

std::int32_t sign_of(const Word* row, std::size_t k) {
    return get_bit(row, k) ? 1 : -1;
}

// What one mini-batch does to the counters h of a convolution, in plain loops over -1 and +1.
void plain_convolution(const seams::ConvolutionShape& shape, const BitMatrix& p, const Problem& problem,
                       std::size_t first, std::vector<std::int16_t>& h) {
    const std::size_t n_positions = shape.n_positions(), n_outputs = shape.n_filters * n_positions;
    const auto margin = static_cast<std::int32_t>(n_outputs / 4);
    std::vector<std::int16_t> after = h;
    for (std::size_t s = first; s < first + kBatch; ++s) {
        const Word* x = problem.samples.data() + s * words_for(kInputs);
        std::vector<std::int32_t> z(n_outputs), o(kClasses);
        for (std::size_t k = 0; k < n_outputs; ++k)
            for (std::size_t j = 0; j < shape.patch; ++j)
                z[k] += (h[k / n_positions * shape.patch + j] >= 0 ? 1 : -1) *
                        sign_of(x, k % n_positions * shape.stride + j);
        for (std::size_t c = 0; c < kClasses; ++c)
            for (std::size_t k = 0; k < n_outputs; ++k) o[c] += sign_of(p.row(c), k) * (z[k] >= 0 ? 1 : -1);
        const auto label = static_cast<std::size_t>(problem.labels[s]);
        bool error = false;  // unless the class is ahead of all others, and of those before it in any case
        for (std::size_t c = 0; c < kClasses; ++c)
            error = error || (c != label && (o[label] - o[c] < margin || (c < label && o[c] == o[label])));
        for (std::size_t g = 0; error && g < n_outputs; g += shape.group_size * n_positions) {
            std::size_t best = n_outputs;
            for (std::size_t k = g; k < g + shape.group_size * n_positions; ++k)
                if (z[k] * sign_of(p.row(label), k) < 0 && (best == n_outputs || std::abs(z[k]) < std::abs(z[best])))
                    best = k;
            for (std::size_t j = 0; best < n_outputs && j < shape.patch; ++j) {
                const std::int32_t a = sign_of(x, best % n_positions * shape.stride + j);
                std::int16_t& counter = after[best / n_positions * shape.patch + j];
                counter = static_cast<std::int16_t>(counter + a * sign_of(p.row(label), best));
            }
        }
    }
    h = after;
}

// A convolution with one position is a dense layer; with many, plain loops do the same; and it learns.
bool test_convolution(const Problem& problem) {
    Network one = convolution_of({kInputs, kInputs, 1, kNeurons, kGroup});
    Network dense = network_of(block_of(std::make_unique<ClassTeacher>(ClassShape{kNeurons, kClasses, kNeurons / 4})));
    train(one, problem, 3);
    train(dense, problem, 1);
    bool right = hidden(one) == hidden(dense);

    Network many = convolution_of(kConvolution);
    std::vector<std::int16_t> h = hidden(many);
    Trainer trainer(many, kBatch, 2);
    const TrainingSet set{problem.samples.data(), problem.labels.data(), problem.order.data(), kSamples};
    for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
        trainer.run(set, epoch * kSteps, {0});
        for (std::size_t first = 0; first < kSamples; first += kBatch)
            plain_convolution(kConvolution, many.teacher().rows(), problem, first, h);
        right = right && hidden(many) == h;
    }

    Network some = convolution_of(kConvolution), other = convolution_of(kConvolution);
    const std::uint64_t accuracy = train(some, problem, 1);
    train(other, problem, 5);
    return check(right && hidden(some) == hidden(other) && accuracy > 95, "a layer that learns in one file");
}

// Two layers, the second with a teacher that learns, or with a readout: everything that machines have to tell each
// other.
Network deep_network(bool with_readout) {
    std::vector<Block> blocks;
    blocks.push_back(block_of(std::make_unique<ClassTeacher>(ClassShape{kNeurons, kClasses, kNeurons / 4})));
    Block last;
    last.layer = std::make_unique<Dense>(DenseShape{kNeurons, 30, 5});
    const ClassShape shape{30, kClasses, 7};
    std::unique_ptr<Readout> readout;
    if (with_readout) {
        last.teacher = std::make_unique<ClassTeacher>(shape);
        readout = std::make_unique<Readout>(ReadoutShape{30, kClasses, 64 * 3});
    } else {
        last.teacher = std::make_unique<TrainedTeacher>(shape, CounterRange{});
    }
    blocks.push_back(std::move(last));
    Network network(std::move(blocks), std::move(readout));
    network.initialise(11);
    return network;
}

// What a training counts and leaves, to be compared.
std::vector<std::int64_t> outcome_of(Network network, const Problem& problem, std::size_t n_threads,
                                     std::unique_ptr<Exchange> exchange) {
    std::vector<std::int64_t> outcome;
    {
        Trainer trainer(network, 12, n_threads, std::move(exchange));  // the last mini-batch of 200 has 8
        TrainingSet set{problem.samples.data(), problem.labels.data(), problem.order.data(), kSamples};
        set.readout_learns = true;
        for (std::uint32_t epoch = 0; epoch < 6; ++epoch) {
            const TrainingCounts counts =
                trainer.run(set, epoch * 17, std::vector<std::uint64_t>(trainer.n_learners(), 1u << 26));
            outcome.push_back(static_cast<std::int64_t>(counts.readout));
            outcome.push_back(static_cast<std::int64_t>(counts.correct));
            for (std::uint64_t n : counts.errors) outcome.push_back(static_cast<std::int64_t>(n));
            for (std::uint64_t n : counts.updates) outcome.push_back(static_cast<std::int64_t>(n));
        }
    }
    for (const Block& block : network.blocks()) {
        const auto& h = std::as_const(*block.layer).counters().hidden();
        outcome.insert(outcome.end(), h.begin(), h.end());
    }
    if (network.learner() != nullptr) {
        const auto& h = network.learner()->counters().hidden();
        outcome.insert(outcome.end(), h.begin(), h.end());
    }
    if (network.readout() != nullptr) {
        const auto& r = network.readout()->values();
        outcome.insert(outcome.end(), r.begin(), r.end());
    }
    return outcome;
}

// Machines that share a training end up with the network of one that did it alone, and with its counts.
bool test_machines(const Problem& problem, bool with_readout) {
    const auto alone = outcome_of(deep_network(with_readout), problem, 1, std::make_unique<LocalExchange>());
    bool right = true;
    for (std::size_t n_machines : {2u, 3u})
        for (std::size_t n_threads : {1u, 2u}) {
            seams::Mail mail(n_machines);
            std::vector<std::vector<std::int64_t>> outcomes(n_machines);
            std::vector<std::thread> machines;
            for (std::size_t m = 0; m < n_machines; ++m)
                machines.emplace_back([&, m] {
                    outcomes[m] = outcome_of(deep_network(with_readout), problem, n_threads,
                                             std::make_unique<seams::Gathered>(mail, m));
                });
            for (std::thread& machine : machines) machine.join();
            for (const auto& outcome : outcomes) right = right && outcome == alone;
        }
    return check(right, with_readout ? "data parallelism in one file, with a readout" : "data parallelism in one file");
}

}  // namespace

int main() {
    const Problem problem;
    bool right = test_layer(problem);
    right = test_convolution(problem) && right;
    right = test_teacher(problem) && right;
    right = test_exchange(problem) && right;
    right = test_machines(problem, false) && right;
    right = test_machines(problem, true) && right;
    return right ? 0 : 1;
}
