// A network: blocks in a row, and inference through them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "layers/pool.hpp"
#include "layers/readout.hpp"
#include "layers/teacher.hpp"

namespace bitlocal {

// Layer l of docs/algorithm.md: neurons, what pools them, and who teaches them.
struct Block {
    std::unique_ptr<Trained> layer;
    std::vector<std::unique_ptr<Pool>> pools;
    std::unique_ptr<Teacher> teacher;
    bool learns = true;  // a frozen layer stays as it was drawn

    std::size_t n_inputs() const { return layer->n_inputs(); }
    std::size_t n_outputs() const { return pools.empty() ? layer->n_outputs() : pools.back()->n_outputs(); }

    // A matrix of n rows for the activations of the neurons, and of each pool.
    std::vector<BitMatrix> stages(std::size_t n) const;
    // Step 1, for n samples whose activations go to rows first ... first + n - 1 of the stages. z: n rows of the
    // layer's.
    void forward(const Context&, const Word* const* in, std::size_t first, std::size_t n, std::int32_t* z,
                 std::vector<BitMatrix>& stages) const;
};

class Network {
  public:
    // Throws std::invalid_argument if the blocks and the readout, where there is one, do not fit together.
    explicit Network(std::vector<Block> blocks, std::unique_ptr<Readout> readout = nullptr);
    Network(Network&&) = default;
    Network(const Network&) = delete;
    Network& operator=(Network&&) = default;
    Network& operator=(const Network&) = delete;

    // Draws all hidden weights and local classifiers from one seed, which also rules the training that follows.
    void initialise(std::uint64_t seed);
    void set_seed(std::uint64_t seed) { seed_ = seed; }
    std::uint64_t seed() const { return seed_; }

    std::vector<Block>& blocks() { return blocks_; }
    const std::vector<Block>& blocks() const { return blocks_; }
    const Teacher& teacher() const { return *blocks_.back().teacher; }
    // What learns in the last block's teacher; null if nothing does.
    Trained* learner() const { return blocks_.back().teacher->learner(); }
    // What answers instead of the last block's teacher; null if that does.
    Readout* readout() const { return readout_.get(); }
    std::size_t n_inputs() const { return blocks_.front().n_inputs(); }
    std::size_t n_outputs() const { return blocks_.back().n_outputs(); }
    std::size_t n_targets() const { return teacher().n_targets(); }
    std::size_t n_logits() const { return teacher().n_logits(); }
    bool has_hidden_weights() const;

    // What the network answers: n rows of n_logits integers, from n rows of words_for(n_inputs) words.
    void logits(const Word* samples, std::size_t n, std::int32_t* o, std::size_t n_threads) const;
    // The last layer's activations: n rows of words_for(n_outputs) words.
    void activations(const Word* samples, std::size_t n, Word* a, std::size_t n_threads) const;

  private:
    template <class Work>
    void forward(const Word* samples, std::size_t n, std::size_t n_threads, const Work& work) const;

    std::vector<Block> blocks_;
    std::unique_ptr<Readout> readout_;
    std::uint64_t seed_ = 0;
};

// Samples that go through a layer together: enough to reuse the weights in the cache, few enough that their
// pre-activations stay there too.
inline constexpr std::size_t kTile = 16;

}  // namespace bitlocal
