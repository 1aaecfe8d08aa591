#include "trainer.hpp"

#include <algorithm>
#include <chrono>

#include "team.hpp"

namespace bitlocal {
namespace {

// What the forward pass of a mini-batch leaves behind for the updates: one of these for each layer.
struct LayerNotes {
    LayerNotes(const LayerShape& shape, std::size_t batch_size)
        : activations(batch_size, shape.n_outputs()),
          outputs(batch_size),
          errors(batch_size),
          chosen(shape.n_groups() * batch_size) {
        for (std::size_t s = 0; s < batch_size; ++s) outputs[s] = activations.row(s);
    }

    BitMatrix activations;
    std::vector<const Word*> outputs;  // the rows of `activations`: the inputs of the next layer
    std::vector<std::uint8_t> errors;
    std::vector<std::int32_t> chosen;  // [group][sample]
};

// Adds the time since the last lap to a phase, or does nothing if nobody asked.
class Stopwatch {
  public:
    explicit Stopwatch(PhaseTimes* times) : times_(times), last_(times == nullptr ? 0 : now()) {}

    void lap(Phase phase) {
        if (times_ == nullptr) return;
        const std::uint64_t time = now();
        (*times_)[static_cast<std::size_t>(phase)] += time - last_;
        last_ = time;
    }

  private:
    static std::uint64_t now() {
        const auto since = std::chrono::steady_clock::now().time_since_epoch();
        return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
    }

    PhaseTimes* times_;
    std::uint64_t last_;
};

// One thread's room.
struct Room {
    Room(const Network& network, std::size_t batch_size) {
        std::size_t z_size = 0;
        for (const Layer& layer : network.layers()) z_size = std::max(z_size, layer.shape().z_stride());
        z.resize(kTile * z_size + kLanes);  // `choose` may read beyond the last row
        o.resize(kTile * network.layers().back().shape().o_stride());
        update.samples.resize(batch_size);
        update.desired.resize(batch_size);
        std::size_t group_size = 0;
        for (const Layer& layer : network.layers()) group_size = std::max(group_size, layer.shape().group_size);
        if (network.classifier() != nullptr) group_size = std::max(group_size, network.n_classes());
        update.first.reserve(group_size + 2);
        const std::size_t n_layers = network.layers().size();
        const std::size_t n_trained = n_layers + (network.classifier() != nullptr);
        batch_errors.resize(n_layers);
        counts.errors.resize(n_layers);
        counts.updates.resize(n_trained);
        counts.reinforcement.resize(n_trained);
    }

    std::vector<std::int32_t> z;
    std::vector<std::int32_t> o;
    UpdateScratch update;
    std::vector<std::uint64_t> batch_errors;  // per layer, in this mini-batch, among this thread's samples
    TrainingCounts counts;
};

class Trainer {
  public:
    Trainer(Network& network, const TrainingSet& set, std::size_t batch_size,
            const std::vector<std::uint64_t>& thresholds, std::size_t n_threads)
        : network_(network),
          set_(set),
          batch_size_(std::min(batch_size, set.n)),
          inputs_(batch_size_),
          labels_(batch_size_),
          chosen_class_(network.classifier() == nullptr ? 0 : batch_size_),
          gaps_(thresholds.begin(), thresholds.end()) {
        for (const Layer& layer : network_.layers()) notes_.emplace_back(layer.shape(), batch_size_);
        for (std::size_t t = 0; t < n_threads; ++t) rooms_.emplace_back(network_, batch_size_);
    }

    void run(Member member, std::uint32_t first_step, PhaseTimes* times) {
        Stopwatch watch(times);
        std::uint32_t step = first_step;
        for (std::size_t first = 0; first < set_.n; first += batch_size_, ++step) {
            const std::size_t size = std::min(batch_size_, set_.n - first);
            forward(member, first, size, watch);
            member.meet();
            watch.lap(Phase::kWaiting);
            update(member, size, step, watch);
            member.meet();
            watch.lap(Phase::kWaiting);
        }
    }

    TrainingCounts counts() const {
        TrainingCounts total = rooms_.front().counts;
        for (std::size_t t = 1; t < rooms_.size(); ++t) {
            total.correct += rooms_[t].counts.correct;
            for (std::size_t l = 0; l < total.errors.size(); ++l) total.errors[l] += rooms_[t].counts.errors[l];
            for (std::size_t l = 0; l < total.updates.size(); ++l) {
                total.updates[l] += rooms_[t].counts.updates[l];
                total.reinforcement[l] += rooms_[t].counts.reinforcement[l];
            }
        }
        return total;
    }

  private:
    // Steps 1 to 5, all layers, this thread's share of the mini-batch's samples.
    void forward(Member member, std::size_t first, std::size_t size, Stopwatch& watch) {
        Room& room = rooms_[member.index];
        std::fill(room.batch_errors.begin(), room.batch_errors.end(), 0);
        const std::size_t n_words = words_for(network_.n_inputs());
        for (std::size_t begin = member.share(size); begin < member.share_end(size); begin += kTile) {
            const std::size_t end = std::min(begin + kTile, member.share_end(size));
            for (std::size_t s = begin; s < end; ++s) {
                const std::size_t row = set_.order[first + s];
                inputs_[s] = set_.samples + row * n_words;
                labels_[s] = set_.labels[row];
            }
            for (std::size_t l = 0; l < notes_.size(); ++l) forward_layer(l, begin, end, room, watch);
        }
    }

    void forward_layer(std::size_t l, std::size_t begin, std::size_t end, Room& room, Stopwatch& watch) {
        const Layer& layer = network_.layers()[l];
        const LayerShape& shape = layer.shape();
        LayerNotes& notes = notes_[l];
        Word* a[kTile];
        for (std::size_t s = begin; s < end; ++s) a[s - begin] = notes.activations.row(s);
        layer.forward(layer_inputs(l) + begin, end - begin, room.z.data(), a);
        const bool last = l + 1 == notes_.size();
        if (shape.frozen && !last) {
            watch.lap(Phase::kForward);
            return;
        }
        layer.logits(notes.outputs.data() + begin, end - begin, room.o.data());
        watch.lap(Phase::kForward);
        for (std::size_t s = begin; s < end; ++s) {
            const auto verdict = layer.error_signal(room.o.data() + (s - begin) * shape.o_stride(), labels_[s]);
            notes.errors[s] = verdict.error;
            room.batch_errors[l] += verdict.error;
            room.counts.errors[l] += verdict.error;
            if (last) room.counts.correct += verdict.predicted == labels_[s];
        }
        watch.lap(Phase::kErrorSignal);
        for (std::size_t s = begin; s < end && !shape.frozen; ++s)
            if (notes.errors[s])
                layer.choose(room.z.data() + (s - begin) * shape.z_stride(), a[s - begin], labels_[s],
                             notes.chosen.data() + s, batch_size_);
        // All classes are one group of the trained classifier, and only the true one, where it is wrong, learns.
        for (std::size_t s = begin; s < end && last && network_.classifier() != nullptr; ++s) {
            const auto label = static_cast<std::size_t>(labels_[s]);
            chosen_class_[s] = room.o[(s - begin) * shape.o_stride() + label] < 0 ? labels_[s] : -1;
        }
        watch.lap(Phase::kChoice);
    }

    // Steps 6 and 7, all layers, this thread's share of each layer's neurons, group by group.
    void update(Member member, std::size_t size, std::uint32_t step, Stopwatch& watch) {
        for (std::size_t l = 0; l < notes_.size(); ++l) {
            Layer& layer = network_.layers()[l];
            if (layer.shape().frozen || !any_error(l)) continue;
            const LayerBatch batch{
                size, layer_inputs(l), labels_.data(), notes_[l].errors.data(), notes_[l].chosen.data(), batch_size_};
            update_layer(l, layer, batch, member, step, watch);
        }
        Layer* classifier = network_.classifier();
        const std::size_t last = notes_.size() - 1;
        if (classifier == nullptr || !any_error(last)) return;
        const LayerBatch batch{
            size,       notes_[last].outputs.data(), labels_.data(), notes_[last].errors.data(), chosen_class_.data(),
            batch_size_};
        update_layer(last + 1, *classifier, batch, member, step, watch);
        member.meet();  // nobody needs the old rows any more
        const std::size_t n_classes = network_.n_classes();
        for (std::size_t c = member.share(n_classes); c < member.share_end(n_classes); ++c)
            network_.layers()[last].set_local_classifier_row(c, *classifier);
        watch.lap(Phase::kUpdate);
    }

    void update_layer(std::size_t l, Layer& layer, const LayerBatch& batch, Member member, std::uint32_t step,
                      Stopwatch& watch) {
        Room& room = rooms_[member.index];
        const std::size_t last = member.share_end(layer.shape().n_neurons);
        for (std::size_t begin = member.share(layer.shape().n_neurons), end; begin < last; begin = end) {
            end = std::min(last, (begin / layer.shape().group_size + 1) * layer.shape().group_size);
            room.counts.updates[l] += layer.update(begin, end, batch, room.update);
            watch.lap(Phase::kUpdate);
            if (gaps_[l].never()) continue;
            room.counts.reinforcement[l] +=
                layer.reinforce(begin, end, gaps_[l], network_.seed(), static_cast<std::uint32_t>(l + 1), step);
            watch.lap(Phase::kReinforcement);
        }
    }

    const Word* const* layer_inputs(std::size_t l) const {
        return l == 0 ? inputs_.data() : notes_[l - 1].outputs.data();
    }

    bool any_error(std::size_t l) const {
        return std::any_of(rooms_.begin(), rooms_.end(), [l](const Room& room) { return room.batch_errors[l] > 0; });
    }

    Network& network_;
    TrainingSet set_;
    std::size_t batch_size_;
    std::vector<const Word*> inputs_;         // per sample of the mini-batch
    std::vector<std::int32_t> labels_;        // likewise
    std::vector<std::int32_t> chosen_class_;  // likewise, with a trained classifier: which class learns, or -1
    std::vector<GapTable> gaps_;              // per layer, and for the trained classifier
    std::vector<LayerNotes> notes_;           // per layer
    std::vector<Room> rooms_;                 // per thread
};

}  // namespace

TrainingCounts train(Network& network, const TrainingSet& set, std::size_t batch_size, std::uint32_t first_step,
                     const std::vector<std::uint64_t>& thresholds, std::size_t n_threads, PhaseTimes* times) {
    n_threads = std::max<std::size_t>(n_threads, 1);
    Trainer trainer(network, set, batch_size, thresholds, n_threads);
    run_team(n_threads, [&](Member member) {
        // Each thread keeps its own times on its stack: neighbours in an array would share cache lines.
        PhaseTimes spent{};
        trainer.run(member, first_step, times == nullptr ? nullptr : &spent);
        if (times != nullptr)
            for (std::size_t i = 0; i < spent.size(); ++i) times[member.index][i] += spent[i];
    });
    return trainer.counts();
}

}  // namespace bitlocal
