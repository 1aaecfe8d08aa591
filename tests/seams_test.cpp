// The seams of the core: a layer, a teacher and an exchange that the core knows nothing of, trained by its own trainer.
#include <cstdio>
#include <vector>

#include "random.hpp"
#include "seams/codes.hpp"
#include "seams/permutation.hpp"
#include "seams/reversed.hpp"
#include "trainer.hpp"

namespace {

using namespace bitlocal;

constexpr std::size_t kInputs = 90, kNeurons = 75, kGroup = 15, kClasses = 5, kSamples = 200;

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
    Trainer trainer(network, 10, n_threads, std::move(exchange));
    const TrainingSet set{problem.samples.data(), problem.labels.data(), problem.order.data(), kSamples};
    std::uint64_t correct = 0;
    for (std::uint32_t epoch = 0; epoch < 20; ++epoch)
        correct = trainer.run(set, epoch * 20, {std::uint64_t{1} << 26}).correct;
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

}  // namespace

int main() {
    const Problem problem;
    const bool layer = test_layer(problem), teacher = test_teacher(problem), exchange = test_exchange(problem);
    return layer && teacher && exchange ? 0 : 1;
}
