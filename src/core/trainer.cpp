#include "trainer.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "kernels/dispatch.hpp"
#include "random.hpp"

namespace bitlocal {

// Adds the time since the last lap to a phase, or does nothing if nobody asked.
class Trainer::Stopwatch {
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

// What one thread needs for itself.
struct Trainer::Workspace {
    Workspace(const Network& network, std::size_t batch_size, std::size_t n_learners) {
        std::size_t z_size = 0, o_size = 0, group_size = network.n_targets();
        for (const Block& block : network.blocks()) {
            z_size = std::max(z_size, block.layer->z_stride());
            o_size = std::max(o_size, block.teacher->o_stride());
            group_size = std::max(group_size, block.layer->group_size());
        }
        z.resize(kTile * z_size + kLanes);  // `choose` may read beyond the last row
        o.resize(kTile * o_size);
        update.samples.resize(batch_size);
        update.desired.resize(batch_size);
        update.first.reserve(group_size + 2);
        counts.errors.resize(network.blocks().size());
        counts.updates.resize(n_learners);
        counts.reinforcement.resize(n_learners);
    }

    std::vector<std::int32_t> z;
    std::vector<std::int32_t> o;
    UpdateScratch update;
    TrainingCounts counts;  // of this call
};

Trainer::Trainer(Network& network, std::size_t batch_size, std::size_t n_threads, std::unique_ptr<Exchange> exchange)
    : network_(network),
      batch_size_(batch_size),
      exchange_(std::move(exchange)),
      inputs_(batch_size),
      labels_(batch_size),
      positions_(new Position[n_threads]),
      times_(n_threads) {
    std::vector<Block>& blocks = network_.blocks();
    for (Block& block : blocks)
        traces_.emplace_back(block, batch_size, &block == &blocks.back() && network_.readout() != nullptr);
    for (std::size_t l = 0; l < blocks.size(); ++l) {
        Trace& trace = traces_[l];
        learners_.push_back({blocks[l].layer.get(),
                             l,
                             !blocks[l].learns,
                             {0, l == 0 ? inputs_.data() : traces_[l - 1].outputs.data(), trace.wanted.data(),
                              trace.errors.data(), trace.chosen.data(), batch_size, nullptr}});
        wanted_.emplace_back();
        for (const auto& pool : blocks[l].pools) wanted_[l].emplace_back(network_.n_targets(), pool->n_inputs());
    }
    if (Trained* learner = network_.learner(); learner != nullptr) {
        Trace& trace = traces_.back();
        learners_.push_back({learner,
                             blocks.size() - 1,
                             false,
                             {0, trace.outputs.data(), trace.wanted_answers.data(), trace.errors.data(),
                              trace.chosen_answers.data(), batch_size, nullptr}});
    }
    for (std::size_t t = 0; t < n_threads; ++t) workspaces_.emplace_back(network_, batch_size, learners_.size());
    team_.reset(new Team(n_threads));
}

Trainer::~Trainer() = default;

TrainingCounts Trainer::run(const TrainingSet& set, std::uint32_t first_step,
                            const std::vector<std::uint64_t>& thresholds) {
    if (!usable()) throw std::logic_error("this trainer's threads have stayed behind in another process");
    const std::lock_guard alone(running_);
    const Context context{kernels().rule};
    prepare(set, thresholds);
    team_->run([&](Member member) { work(context, member, set, first_step); });
    TrainingCounts total = counts();
    exchange_->sum(&total.seen, 1);
    exchange_->sum(&total.correct, 1);
    exchange_->sum(total.errors.data(), total.errors.size());
    return total;
}

void Trainer::prepare(const TrainingSet& set, const std::vector<std::uint64_t>& thresholds) {
    const bool as_before = std::equal(gaps_.begin(), gaps_.end(), thresholds.begin(), thresholds.end(),
                                      [](const GapTable& gap, std::uint64_t t) { return gap.threshold() == t; });
    if (!as_before) gaps_ = std::vector<GapTable>(thresholds.begin(), thresholds.end());
    for (std::size_t l = 0; l < wanted_.size(); ++l)
        for (std::size_t target = 0; !wanted_[l].empty() && target < network_.n_targets(); ++target)
            hand_down(l, target);
    readout_learns_ = set.readout_learns && network_.readout() != nullptr;
    repeats_.resize(set.weights == nullptr ? 0 : batch_size_);
    for (Learner& learner : learners_) learner.choices.repeats = repeats_.empty() ? nullptr : repeats_.data();
    for (Workspace& own : workspaces_) {
        own.update.repeats.resize(repeats_.size());
        TrainingCounts& counts = own.counts;
        counts.seen = counts.correct = counts.readout = 0;
        std::fill(counts.errors.begin(), counts.errors.end(), 0);
        std::fill(counts.updates.begin(), counts.updates.end(), 0);
        std::fill(counts.reinforcement.begin(), counts.reinforcement.end(), ReinforcementCounts{});
    }
}

std::vector<std::pair<std::uint32_t, Activity>> Trainer::positions() const {
    std::vector<std::pair<std::uint32_t, Activity>> found;
    for (std::size_t t = 0; t < n_threads(); ++t)
        found.emplace_back(positions_[t].step.load(std::memory_order_relaxed),
                           positions_[t].activity.load(std::memory_order_relaxed));
    return found;
}

// What the neurons should be, for the topmost pool to be as its teacher wants.
void Trainer::hand_down(std::size_t l, std::size_t target) {
    const Block& block = network_.blocks()[l];
    const Word* above = block.teacher->wanted(static_cast<std::int32_t>(target));
    for (std::size_t i = block.pools.size(); i-- > 0;) {
        block.pools[i]->hand_down(above, wanted_[l][i].row(target));
        above = wanted_[l][i].row(target);
    }
}

void Trainer::work(const Context& context, const Member& member, const TrainingSet& set, std::uint32_t first_step) {
    PhaseTimes spent{};  // on the stack: neighbours in an array would share cache lines
    Stopwatch watch(timed_ ? &spent : nullptr);
    Position& position = positions_[member.index];
    std::uint32_t step = first_step;
    for (std::size_t first = 0; first < set.n; first += batch_size_, ++step) {
        const std::size_t size = std::min(batch_size_, set.n - first);
        position.step.store(step, std::memory_order_relaxed);
        position.set(Activity::kForward);
        look_up(member, set, first, size, step);
        forward(context, member, set, first, size, step, watch);
        position.set(Activity::kExchange);
        exchange_->between_choice_and_update(member, traces_, size);
        watch.lap(Phase::kWaiting);
        position.set(Activity::kUpdate);
        update(context, member, size, step, watch);
        position.set(Activity::kWaiting);
        member.wait();
        watch.lap(Phase::kWaiting);
    }
    position.set(Activity::kIdle);
    for (std::size_t i = 0; i < spent.size(); ++i) times_[member.index][i] += spent[i];
}

// What the updates need of every sample of the mini-batch, whoever presents it: this thread's share of that.
void Trainer::look_up(const Member& member, const TrainingSet& set, std::size_t first, std::size_t size,
                      std::uint32_t step) {
    const std::size_t n_words = words_for(network_.n_inputs());
    for (std::size_t s = member.share(size); s < member.share_end(size); ++s) {
        const std::size_t row = set.order[first + s];
        inputs_[s] = set.samples + row * n_words;
        labels_[s] = set.labels[row];
        if (!repeats_.empty()) repeats_[s] = repeats_of(set, row, step, s);
        for (std::size_t l = 0; l < traces_.size(); ++l) traces_[l].wanted[s] = wanted_of(l, set.labels[row]);
        if (Trace& last = traces_.back(); !last.wanted_answers.empty())
            last.wanted_answers[s] = network_.teacher().wanted_answers(set.labels[row]);
    }
}

std::uint32_t Trainer::repeats_of(const TrainingSet& set, std::size_t row, std::uint32_t step,
                                  std::size_t place) const {
    if (set.weights == nullptr) return 1;
    return round_weight(set.weights[row], network_.seed(), 0, step, static_cast<std::uint32_t>(place));
}

// Steps 1 to 5, all blocks, this thread's share of the mini-batch's samples.
void Trainer::forward(const Context& context, const Member& member, const TrainingSet& set, std::size_t first,
                      std::size_t size, std::uint32_t step, Stopwatch& watch) {
    Workspace& own = workspaces_[member.index];
    const std::size_t n_words = words_for(network_.n_inputs());
    const auto [share, share_end] = exchange_->samples(member, size);
    Tile tile;
    for (tile.begin = share; tile.begin < share_end; tile.begin = tile.end) {
        tile.end = std::min(tile.begin + kTile, share_end);
        for (std::size_t s = tile.begin; s < tile.end; ++s) {
            const std::size_t row = set.order[first + s];
            tile.inputs[s - tile.begin] = set.samples + row * n_words;
            tile.labels[s - tile.begin] = set.labels[row];
            tile.repeats[s - tile.begin] = repeats_of(set, row, step, s);
        }
        tile.logits = set.logits == nullptr ? nullptr : set.logits + (first + tile.begin) * network_.n_logits();
        for (std::size_t l = 0; l < traces_.size(); ++l) forward_block(context, l, tile, own, watch);
    }
}

void Trainer::forward_block(const Context& context, std::size_t l, const Tile& tile, Workspace& own, Stopwatch& watch) {
    const auto [begin, end] = std::pair(tile.begin, tile.end);
    const Block& block = network_.blocks()[l];
    const Teacher& teacher = *block.teacher;
    Trace& trace = traces_[l];
    block.forward(context, l == 0 ? tile.inputs : traces_[l - 1].outputs.data() + begin, begin, end - begin,
                  own.z.data(), trace.stages);
    const bool last = l + 1 == traces_.size();
    if (!block.learns && !last) {
        watch.lap(Phase::kForward);
        return;
    }
    teacher.logits(context, trace.outputs.data() + begin, end - begin, own.o.data());
    watch.lap(Phase::kForward);
    Verdict verdicts[kTile];
    teacher.judge(own.o.data(), tile.labels, end - begin, verdicts);
    for (std::size_t s = begin; s < end; ++s) {
        const Verdict& verdict = verdicts[s - begin];
        const std::uint32_t repeats = tile.repeats[s - begin];
        trace.errors[s] = verdict.error && repeats > 0;
        own.counts.errors[l] += verdict.error ? repeats : 0;
        if (!last) continue;
        own.counts.seen += repeats;
        own.counts.correct += verdict.correct ? repeats : 0;
        if (tile.logits != nullptr && network_.readout() == nullptr)
            std::copy_n(own.o.data() + (s - begin) * teacher.o_stride(), network_.n_logits(),
                        tile.logits + (s - begin) * network_.n_logits());
    }
    watch.lap(Phase::kErrorSignal);
    for (std::size_t s = begin; s < end && block.learns; ++s) {
        if (!trace.errors[s]) continue;
        const std::int32_t label = tile.labels[s - begin];
        const auto target = static_cast<std::size_t>(label);
        std::int32_t* chosen = trace.chosen.data() + s;
        block.layer->choose(context, own.z.data() + (s - begin) * block.layer->z_stride(), wanted_of(l, label), chosen,
                            batch_size_);
        for (std::size_t i = block.pools.size(); i-- > 0;)
            block.pools[i]->spare(trace.stages[i + 1].row(s),
                                  i + 1 == block.pools.size() ? teacher.wanted(label) : wanted_[l][i + 1].row(target),
                                  chosen, batch_size_);
    }
    for (std::size_t s = begin; s < end && !trace.chosen_answers.empty(); ++s)
        trace.chosen_answers[s] =
            teacher.choose_answer(own.o.data() + (s - begin) * teacher.o_stride(), tile.labels[s - begin]);
    if (last && network_.readout() != nullptr && (readout_learns_ || tile.logits != nullptr)) read_out(tile, own);
    watch.lap(Phase::kChoice);
}

// What the readout answers, and which classes come too close.
void Trainer::read_out(const Tile& tile, Workspace& own) {
    const Readout& readout = *network_.readout();
    Trace& trace = traces_.back();
    readout.logits(trace.outputs.data() + tile.begin, tile.end - tile.begin, own.o.data());
    for (std::size_t s = 0; s < tile.end - tile.begin; ++s) {
        const std::int32_t* o = own.o.data() + s * readout.o_stride();
        trace.rivals[tile.begin + s] = tile.repeats[s] > 0 ? readout.answer(o, tile.labels[s]).rival : -1;
        if (tile.logits != nullptr) std::copy_n(o, network_.n_logits(), tile.logits + s * network_.n_logits());
    }
}

// Steps 6 and 7, all that learns, this thread's share of each layer's rows, group by group.
void Trainer::update(const Context& context, const Member& member, std::size_t size, std::uint32_t step,
                     Stopwatch& watch) {
    for (std::size_t i = 0; i < learners_.size(); ++i)
        if (!learners_[i].frozen && any_error(learners_[i].block, size))
            update_learner(context, i, member, size, step, watch);
    if (readout_learns_) {
        Workspace& own = workspaces_[member.index];
        const Trace& last = traces_.back();
        const auto [begin, end] = exchange_->rows(member, network_.readout()->n_classes());
        own.counts.readout += network_.readout()->update(context, begin, end,
                                                         {size, last.outputs.data(), labels_.data(), last.rivals.data(),
                                                          repeats_.empty() ? nullptr : repeats_.data()},
                                                         own.update);
        watch.lap(Phase::kUpdate);
    }
    if (network_.learner() == nullptr || !any_error(traces_.size() - 1, size)) return;
    member.wait();  // nobody needs the old rows any more
    refresh_teacher(member);
    watch.lap(Phase::kUpdate);
}

void Trainer::update_learner(const Context& context, std::size_t i, const Member& member, std::size_t size,
                             std::uint32_t step, Stopwatch& watch) {
    Workspace& own = workspaces_[member.index];
    Trained& layer = *learners_[i].layer;
    Choices choices = learners_[i].choices;
    choices.size = size;
    const auto [share, share_end] = exchange_->rows(member, layer.counters().n_rows());
    for (std::size_t begin = share, end; begin < share_end; begin = end) {
        end = std::min(share_end, (begin / layer.group_size() + 1) * layer.group_size());
        own.counts.updates[i] += layer.update(context, begin, end, choices, own.update);
        watch.lap(Phase::kUpdate);
        if (gaps_[i].never()) continue;
        own.counts.reinforcement[i] += layer.counters().reinforce(
            context.kernels, begin, end, gaps_[i], network_.seed(), static_cast<std::uint32_t>(i + 1), step);
        watch.lap(Phase::kReinforcement);
    }
}

void Trainer::refresh_teacher(const Member& member) {
    const std::size_t last = traces_.size() - 1, n = network_.n_targets();
    for (std::size_t target = member.share(n); target < member.share_end(n); ++target) {
        network_.blocks()[last].teacher->refresh(target);
        hand_down(last, target);
    }
}

bool Trainer::any_error(std::size_t l, std::size_t size) const {
    const auto& errors = traces_[l].errors;
    return std::find(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(size), 1) !=
           errors.begin() + static_cast<std::ptrdiff_t>(size);
}

TrainingCounts Trainer::counts() const {
    TrainingCounts total = workspaces_.front().counts;
    for (std::size_t t = 1; t < workspaces_.size(); ++t) {
        const TrainingCounts& more = workspaces_[t].counts;
        total.seen += more.seen;
        total.correct += more.correct;
        total.readout += more.readout;
        for (std::size_t l = 0; l < total.errors.size(); ++l) total.errors[l] += more.errors[l];
        for (std::size_t i = 0; i < total.updates.size(); ++i) {
            total.updates[i] += more.updates[i];
            total.reinforcement[i] += more.reinforcement[i];
        }
    }
    return total;
}

}  // namespace bitlocal
