#include "network.hpp"

#include <algorithm>

#include "team.hpp"

namespace bitlocal {

Network::Network(const std::vector<LayerShape>& shapes, bool train_classifier) {
    layers_.reserve(shapes.size());
    for (const LayerShape& shape : shapes) layers_.emplace_back(shape);
    if (!train_classifier) return;
    const LayerShape& last = shapes.back();
    LayerShape shape{last.n_outputs(), last.n_classes, last.n_classes, last.n_classes, 0, last.h_min, last.h_max};
    classifier_.emplace(shape);
    // Its own "local classifier" says what it should answer: +1 for the true class alone.
    const std::size_t n_words = words_for(shape.n_neurons);
    std::vector<Word> one_hot(shape.n_classes * n_words);
    for (std::size_t c = 0; c < shape.n_classes; ++c) one_hot[c * n_words + c / kWordBits] = Word{1} << (c % kWordBits);
    classifier_->set_local_classifier(one_hot.data());
}

void Network::initialise(std::uint64_t seed) {
    seed_ = seed;
    for (std::size_t l = 0; l < layers_.size(); ++l) layers_[l].initialise(seed, static_cast<std::uint32_t>(l + 1));
    if (!classifier_) return;
    classifier_->draw_counters(seed, static_cast<std::uint32_t>(layers_.size() + 1));
    refresh_local_classifier();
}

void Network::set_classifier_counters(const std::int16_t* h) {
    classifier_->set_counters(h);
    refresh_local_classifier();
}

void Network::refresh_local_classifier() {
    for (std::size_t c = 0; c < n_classes(); ++c) layers_.back().set_local_classifier_row(c, *classifier_);
}

bool Network::has_hidden_weights() const {
    return std::none_of(layers_.begin(), layers_.end(), [](const Layer& layer) { return layer.counters().empty(); });
}

namespace {

// One thread's room for a tile of samples. Making it costs time: no more than is needed, for predictions one by one.
struct Room {
    Room(const Network& network, std::size_t tile) {
        std::size_t z_size = 0;
        for (const Layer& layer : network.layers()) {
            z_size = std::max(z_size, layer.shape().z_stride());
            activations.emplace_back(tile, layer.shape().n_outputs());
        }
        z.resize(tile * z_size);
        o.resize(tile * network.layers().back().shape().o_stride());
    }

    std::vector<std::int32_t> z;
    std::vector<std::int32_t> o;
    std::vector<BitMatrix> activations;
};

}  // namespace

void Network::logits(const Word* samples, std::size_t n, std::int32_t* o, std::size_t n_threads) const {
    const std::size_t n_words = words_for(n_inputs());
    const std::size_t n_tiles = (n + kTile - 1) / kTile;
    n_threads = std::clamp<std::size_t>(n_threads, 1, std::max<std::size_t>(n_tiles, 1));
    std::vector<Room> rooms;
    for (std::size_t t = 0; t < n_threads; ++t) rooms.emplace_back(*this, std::min(kTile, n));

    run_team(n_threads, [&](Member member) {
        Room& room = rooms[member.index];
        for (std::size_t tile = member.index; tile < n_tiles; tile += member.team_size) {
            const std::size_t first = tile * kTile;
            const std::size_t size = std::min(kTile, n - first);
            const Word* a[kTile];
            for (std::size_t s = 0; s < size; ++s) a[s] = samples + (first + s) * n_words;
            for (std::size_t l = 0; l < layers_.size(); ++l) {
                Word* out[kTile];
                for (std::size_t s = 0; s < size; ++s) out[s] = room.activations[l].row(s);
                layers_[l].forward(a, size, room.z.data(), out);
                std::copy_n(out, size, a);
            }
            layers_.back().logits(a, size, room.o.data());
            const std::size_t stride = layers_.back().shape().o_stride();
            for (std::size_t s = 0; s < size; ++s)
                std::copy_n(room.o.data() + s * stride, n_classes(), o + (first + s) * n_classes());
        }
    });
}

}  // namespace bitlocal
