#include "network.hpp"

#include <algorithm>
#include <stdexcept>

#include "kernels/dispatch.hpp"
#include "team.hpp"

namespace bitlocal {

std::vector<BitMatrix> Block::stages(std::size_t n) const {
    std::vector<BitMatrix> stages;
    stages.emplace_back(n, layer->n_outputs());
    for (const auto& pool : pools) stages.emplace_back(n, pool->n_outputs());
    return stages;
}

void Block::forward(const Context& context, const Word* const* in, std::size_t first, std::size_t n, std::int32_t* z,
                    std::vector<BitMatrix>& stages) const {
    const Word* below[kTile] = {};
    Word* above[kTile] = {};
    for (std::size_t stage = 0; stage < stages.size(); ++stage) {
        const Layer& one = stage == 0 ? static_cast<const Layer&>(*layer) : *pools[stage - 1];
        for (std::size_t s = 0; s < n; ++s) above[s] = stages[stage].row(first + s);
        one.forward(context, stage == 0 ? in : below, n, z, above);
        std::copy_n(above, n, below);
    }
}

Network::Network(std::vector<Block> blocks, std::unique_ptr<Readout> readout)
    : blocks_(std::move(blocks)), readout_(std::move(readout)) {
    const auto require = [](bool condition, const char* problem) {
        if (!condition) throw std::invalid_argument(problem);
    };
    require(!blocks_.empty(), "expected at least one block");
    for (std::size_t l = 0; l < blocks_.size(); ++l) {
        const Block& block = blocks_[l];
        require(block.layer != nullptr && block.teacher != nullptr, "expected a layer and a teacher in each block");
        std::size_t width = block.layer->n_outputs();
        for (const auto& pool : block.pools) {
            require(pool->n_inputs() == width, "a pool does not fit what is below it");
            width = pool->n_outputs();
        }
        require(block.teacher->n_inputs() == width, "a teacher does not fit its layer");
        require(block.teacher->n_targets() == n_targets(), "the teachers differ in their targets");
        require(l == 0 || block.n_inputs() == blocks_[l - 1].n_outputs(), "a layer does not fit the one below");
        require(l + 1 == blocks_.size() || block.teacher->learner() == nullptr, "only the last teacher may learn");
    }
    require(readout_ == nullptr || (readout_->n_inputs() == n_outputs() && readout_->n_classes() == n_logits()),
            "the readout does not fit the last block");
}

void Network::initialise(std::uint64_t seed) {
    seed_ = seed;
    for (std::size_t l = 0; l < blocks_.size(); ++l) {
        const auto index = static_cast<std::uint32_t>(l + 1);
        blocks_[l].layer->counters().draw(seed, index);
        blocks_[l].teacher->draw(seed, index);
    }
    if (readout_ != nullptr) readout_->start(teacher().rows());
}

bool Network::has_hidden_weights() const {
    return std::none_of(blocks_.begin(), blocks_.end(),
                        [](const Block& block) { return std::as_const(*block.layer).counters().hidden().empty(); });
}

namespace {

// One thread's workspace for a tile of samples. Making it costs time: no more than is needed, for predictions one by
// one.
struct Workspace {
    Workspace(const Network& network, std::size_t tile) {
        std::size_t z_size = 0;
        for (const Block& block : network.blocks()) {
            z_size = std::max(z_size, block.layer->z_stride());
            stages.push_back(block.stages(tile));
        }
        z.resize(tile * z_size);
        o.resize(tile * network.teacher().o_stride());
    }

    std::vector<std::int32_t> z;
    std::vector<std::int32_t> o;
    std::vector<std::vector<BitMatrix>> stages;  // per block
};

}  // namespace

// Takes samples through all blocks, tile by tile, and calls work(context, first, size, a, o) with the activations of
// the last one, and room for logits.
template <class Work>
void Network::forward(const Word* samples, std::size_t n, std::size_t n_threads, const Work& work) const {
    const Context context{kernels().rule};
    const std::size_t n_words = words_for(n_inputs());
    const std::size_t n_tiles = (n + kTile - 1) / kTile;
    n_threads = std::clamp<std::size_t>(n_threads, 1, std::max<std::size_t>(n_tiles, 1));
    std::vector<Workspace> workspaces;
    for (std::size_t t = 0; t < n_threads; ++t) workspaces.emplace_back(*this, std::min(kTile, n));

    run_team(n_threads, [&](Member member) {
        Workspace& own = workspaces[member.index];
        for (std::size_t tile = member.index; tile < n_tiles; tile += member.team_size) {
            const std::size_t first = tile * kTile;
            const std::size_t size = std::min(kTile, n - first);
            const Word* a[kTile];
            for (std::size_t s = 0; s < size; ++s) a[s] = samples + (first + s) * n_words;
            for (std::size_t l = 0; l < blocks_.size(); ++l) {
                blocks_[l].forward(context, a, 0, size, own.z.data(), own.stages[l]);
                for (std::size_t s = 0; s < size; ++s) a[s] = own.stages[l].back().row(s);
            }
            work(context, first, size, a, own.o.data());
        }
    });
}

void Network::logits(const Word* samples, std::size_t n, std::int32_t* o, std::size_t n_threads) const {
    const std::size_t stride = teacher().o_stride();
    forward(samples, n, n_threads,
            [&](const Context& context, std::size_t first, std::size_t size, const Word* const* a, std::int32_t* own) {
                if (readout_ != nullptr)
                    readout_->logits(a, size, own);
                else
                    teacher().logits(context, a, size, own);
                for (std::size_t s = 0; s < size; ++s)
                    std::copy_n(own + s * stride, n_logits(), o + (first + s) * n_logits());
            });
}

void Network::activations(const Word* samples, std::size_t n, Word* a, std::size_t n_threads) const {
    const std::size_t n_words = words_for(n_outputs());
    forward(samples, n, n_threads,
            [&](const Context&, std::size_t first, std::size_t size, const Word* const* last, std::int32_t*) {
                for (std::size_t s = 0; s < size; ++s) std::copy_n(last[s], n_words, a + (first + s) * n_words);
            });
}

}  // namespace bitlocal
