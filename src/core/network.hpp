// A network: its layers, and inference through them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "layer.hpp"

namespace bitlocal {

class Network {
  public:
    // One shape a layer; each layer's inputs are the outputs of the one below. With a trained classifier, the rows of
    // the last layer's classifier have hidden weights of their own.
    explicit Network(const std::vector<LayerShape>& shapes, bool train_classifier = false);

    // Draws all hidden weights and local classifiers from one seed, which also rules the training that follows.
    void initialise(std::uint64_t seed);
    void set_seed(std::uint64_t seed) { seed_ = seed; }
    std::uint64_t seed() const { return seed_; }

    std::vector<Layer>& layers() { return layers_; }
    const std::vector<Layer>& layers() const { return layers_; }
    // The trained classifier: a layer with a neuron for each class, whose binary weights are the rows of the last
    // layer's classifier; null if that stays random.
    Layer* classifier() { return classifier_ ? &*classifier_ : nullptr; }
    const Layer* classifier() const { return classifier_ ? &*classifier_ : nullptr; }
    void set_classifier_counters(const std::int16_t* h);
    std::size_t n_inputs() const { return layers_.front().shape().n_inputs; }
    std::size_t n_classes() const { return layers_.back().shape().n_classes; }
    bool has_hidden_weights() const;

    // The last layer's logits: n rows of n_classes integers, from n rows of words_for(n_inputs) words.
    void logits(const Word* samples, std::size_t n, std::int32_t* o, std::size_t n_threads) const;

  private:
    void refresh_local_classifier();

    std::vector<Layer> layers_;
    std::optional<Layer> classifier_;
    std::uint64_t seed_ = 0;
};

// Samples that go through a layer together: enough to reuse the weights in the cache, few enough that their
// pre-activations stay there too.
inline constexpr std::size_t kTile = 16;

}  // namespace bitlocal
