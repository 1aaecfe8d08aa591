// Training: mini-batches over blocks and threads (docs/algorithm.md, section 2).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "exchange.hpp"
#include "layers/reinforcement.hpp"
#include "network.hpp"
#include "team.hpp"
#include "trace.hpp"

namespace bitlocal {

// Samples in the order in which they are presented.
struct TrainingSet {
    const Word* samples;         // rows of words_for(n_inputs) words
    const std::int32_t* labels;  // one a row: 0 ... n_targets - 1
    const std::uint32_t* order;  // n row numbers
    std::size_t n;
    // How often a sample counts, one weight a row, in units of 2^-32: at most kMaxRepeats. Null where each counts once.
    const std::uint64_t* weights = nullptr;
    // Where the network's answers go, as the samples were presented, before they were learnt from: n rows of n_logits.
    // Null where nobody asked.
    std::int32_t* logits = nullptr;
    // Whether the readout learns beside the layers, where there is one.
    bool readout_learns = false;
};

struct TrainingCounts {
    std::uint64_t seen = 0;             // samples that were presented; here and below each as often as it counts
    std::uint64_t correct = 0;          // samples that the last block answered correctly when they were presented
    std::vector<std::uint64_t> errors;  // per block: samples with an error signal; 0 in a frozen one below others
    // Per block, and for the teacher that learns where there is one:
    std::vector<std::uint64_t> updates;              // updates of a neuron by a sample
    std::vector<ReinforcementCounts> reinforcement;  // what the reinforcement drew and moved
    std::uint64_t readout = 0;                       // updates of a row of the readout by a sample
};

// Where the time of a training goes. Weight bits are refreshed as part of the update, since they fall out of it.
enum class Phase { kForward, kErrorSignal, kChoice, kUpdate, kReinforcement, kWaiting };
inline constexpr std::array<const char*, 6> kPhaseNames = {"forward", "error_signal",  "choice",
                                                           "update",  "reinforcement", "waiting"};
using PhaseTimes = std::array<std::uint64_t, kPhaseNames.size()>;  // nanoseconds

// What a thread does at a moment, for bug reports.
enum class Activity : std::uint32_t { kIdle, kForward, kExchange, kUpdate, kWaiting };
inline constexpr std::array<const char*, 5> kActivityNames = {"idle", "forward", "exchange", "update", "waiting"};

// Keeps its threads and its memory from mini-batch to mini-batch and from call to call. The result does not depend on
// the number of threads.
class Trainer {
  public:
    // Throws std::system_error when the threads cannot be had. The network must outlive the trainer; nobody else may
    // use it during `run`, but through this trainer.
    Trainer(Network& network, std::size_t batch_size, std::size_t n_threads,
            std::unique_ptr<Exchange> exchange = std::make_unique<LocalExchange>());
    ~Trainer();

    // Trains all blocks on consecutive mini-batches (the last one may be smaller).
    //   first_step   number of the first mini-batch; rules the random numbers of the reinforcement
    //   thresholds   per block, and for the teacher that learns where there is one: the probability of reinforcement,
    //                in units of 2^-32
    // Who calls it while it runs for somebody else waits: the threads and the memory are there once.
    TrainingCounts run(const TrainingSet& set, std::uint32_t first_step, const std::vector<std::uint64_t>& thresholds);

    const Network& network() const { return network_; }
    std::size_t batch_size() const { return batch_size_; }
    std::size_t n_threads() const { return team_->size(); }
    // How many layers learn, teachers included: the number of thresholds.
    std::size_t n_learners() const { return learners_.size(); }
    // False in a process that was forked off after the trainer was made: its threads have stayed behind.
    bool usable() const { return !team_->left_behind(); }

    // Whether to take the time of the phases, which costs about one per cent.
    void time_phases(bool wanted) { timed_ = wanted; }
    // The time that each thread has spent in each phase while it was taken.
    const std::vector<PhaseTimes>& phase_times() const { return times_; }

    // The mini-batch that each thread is at, and what it does there; may be called while another thread is in `run`.
    std::vector<std::pair<std::uint32_t, Activity>> positions() const;

  private:
    struct alignas(64) Position {
        std::atomic<std::uint32_t> step{0};
        std::atomic<Activity> activity{Activity::kIdle};

        void set(Activity now) { activity.store(now, std::memory_order_relaxed); }
    };

    // A layer that learns, and where it finds what was chosen in it.
    struct Learner {
        Trained* layer;
        std::size_t block;  // whose error signal it learns from
        bool frozen;
        Choices choices;
    };
    // Samples that go through all blocks together.
    struct Tile {
        std::size_t begin, end;  // in the mini-batch
        const Word* inputs[kTile];
        std::int32_t labels[kTile];
        std::uint32_t repeats[kTile];
        std::int32_t* logits;  // where the first one's go; null if nowhere
    };
    struct Workspace;
    class Stopwatch;

    void prepare(const TrainingSet& set, const std::vector<std::uint64_t>& thresholds);
    std::uint32_t repeats_of(const TrainingSet&, std::size_t row, std::uint32_t step, std::size_t place) const;
    void work(const Context&, const Member&, const TrainingSet&, std::uint32_t first_step);
    void look_up(const Member&, const TrainingSet&, std::size_t first, std::size_t size, std::uint32_t step);
    void forward(const Context&, const Member&, const TrainingSet&, std::size_t first, std::size_t size,
                 std::uint32_t step, Stopwatch&);
    void forward_block(const Context&, std::size_t l, const Tile&, Workspace&, Stopwatch&);
    void update(const Context&, const Member&, std::size_t size, std::uint32_t step, Stopwatch&);
    void read_out(const Tile&, Workspace&);
    void update_learner(const Context&, std::size_t i, const Member&, std::size_t size, std::uint32_t step, Stopwatch&);
    void refresh_teacher(const Member&);
    void hand_down(std::size_t l, std::size_t target);
    // The desired activations of the neurons of block l.
    const Word* wanted_of(std::size_t l, std::int32_t target) const {
        return wanted_[l].empty() ? network_.blocks()[l].teacher->wanted(target)
                                  : wanted_[l].front().row(static_cast<std::size_t>(target));
    }
    bool any_error(std::size_t l, std::size_t size) const;
    TrainingCounts counts() const;

    Network& network_;
    std::size_t batch_size_;
    std::unique_ptr<Exchange> exchange_;
    std::mutex running_;
    TeamPointer team_;
    std::vector<const Word*> inputs_;     // per sample of the mini-batch
    std::vector<std::int32_t> labels_;    // likewise
    std::vector<std::uint32_t> repeats_;  // and how often it counts; empty where each counts once
    std::vector<Trace> traces_;           // per block
    std::vector<std::vector<BitMatrix>>
        wanted_;                         // per block: the desired activations below each of its pools, a row a target
    std::vector<Learner> learners_;      // per block, and the teacher that learns
    std::vector<GapTable> gaps_;         // per learner
    std::vector<Workspace> workspaces_;  // per thread
    std::unique_ptr<Position[]> positions_;  // per thread
    bool readout_learns_ = false;
    bool timed_ = false;
    std::vector<PhaseTimes> times_;  // per thread
};

}  // namespace bitlocal
