// A team of threads that runs one function side by side, call after call, and waits at barriers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace bitlocal {

inline constexpr std::uint32_t kPauses = 500;          // some 10 microseconds
inline constexpr std::uint32_t kLooks = kPauses + 50;  // as much again, since a yield takes longer

// Looks so many times whether something has happened, and tells whether it has.
template <class Happened>
bool look_out(std::uint32_t n_looks, const Happened& happened) {
    for (std::uint32_t i = 0; i < n_looks; ++i) {
        if (happened()) return true;
        if (i >= kPauses) {
            std::this_thread::yield();  // the one that is waited for may be on this processor
            continue;
        }
#if defined(__x86_64__) && defined(__GNUC__)
        __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
        asm volatile("isb");
#endif
    }
    return false;
}

// Where threads wait for each other. A mini-batch takes less time than the operating system needs to wake a thread, so
// those who come early look out for the others for a while before they go to sleep. std::barrier sleeps too soon.
//
// No wake-up is lost: `round_` changes while `mutex_` is held, and who falls asleep has looked at it under the same
// mutex, which the condition variable gives up in one step with falling asleep. So either the change came first, and
// was seen, or the sleeper was there before the notification that follows the change. (std::atomic::wait promises as
// much, but libstdc++ 12 leaves out the wake-up if a plain load finds nobody waiting, and a processor may do that load
// before the store that it follows.) Nobody is woken one by one: everybody sleeps for the same round.
class Barrier {
  public:
    // `n_looks`: how often a thread looks out before it goes to sleep; tests choose less than is fast.
    explicit Barrier(std::size_t n_threads, std::uint32_t n_looks = kLooks)
        : n_threads_(n_threads), n_looks_(n_looks) {}

    void arrive_and_wait() {
        const std::uint32_t round = round_.load(std::memory_order_relaxed);  // cannot change before this thread arrives
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == n_threads_) {
            arrived_.store(0, std::memory_order_relaxed);
            {
                const std::lock_guard lock(mutex_);
                round_.store(round + 1, std::memory_order_release);
            }
            changed_.notify_all();
            return;
        }
        if (look_out(n_looks_, [&] { return round_.load(std::memory_order_acquire) != round; })) return;
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return round_.load(std::memory_order_relaxed) != round; });
    }

  private:
    const std::size_t n_threads_;
    const std::uint32_t n_looks_;
    alignas(64) std::atomic<std::size_t> arrived_{0};
    alignas(64) std::atomic<std::uint32_t> round_{0};
    alignas(64) std::mutex mutex_;
    std::condition_variable changed_;
};

struct Member {
    std::size_t index;
    std::size_t team_size;
    Barrier* barrier;

    void wait() const {
        if (team_size > 1) barrier->arrive_and_wait();
    }

    // This thread's share of n things: from share(n) to share_end(n).
    std::size_t share(std::size_t n) const { return n * index / team_size; }
    std::size_t share_end(std::size_t n) const { return n * (index + 1) / team_size; }
};

// Threads that wait, and sleep if it takes long, until there is something to run.
class Team {
  public:
    // Throws std::system_error when the threads cannot be had.
    explicit Team(std::size_t n_threads) : n_threads_(n_threads), barrier_(n_threads) {
        others_.reserve(n_threads - 1);
        try {
            for (std::size_t i = 1; i < n_threads; ++i) others_.emplace_back([this, i] { serve(i); });
        } catch (...) {
            dismiss();
            throw;
        }
    }
    ~Team() { dismiss(); }
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    std::size_t size() const { return n_threads_; }

    // Calls work(member) once in each thread, the calling one among them, and returns when all are done. `work` must
    // not throw: what can fail (memory, say) is done before.
    template <class Work>
    void run(const Work& work) {
        if (n_threads_ > 1) post({[](const void* w, Member member) { (*static_cast<const Work*>(w))(member); }, &work});
        const Member member{0, n_threads_, &barrier_};
        work(member);
        member.wait();
    }

    // Whether this is the copy of a team in a process that was forked off: its threads have stayed behind.
    bool left_behind() const {
#if defined(__unix__) || defined(__APPLE__)
        return getpid() != process_;
#else
        return false;
#endif
    }

  private:
    struct Call {
        void (*function)(const void*, Member);  // null: go home
        const void* work;
    };

    void post(Call call) {
        {
            const std::lock_guard lock(mutex_);
            call_ = call;
            n_calls_.store(n_calls_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
        }
        called_.notify_all();
    }

    void serve(std::size_t index) {
        const Member member{index, n_threads_, &barrier_};
        for (std::uint64_t n_served = 0;; ++n_served) {
            const auto called = [&] { return n_calls_.load(std::memory_order_acquire) > n_served; };
            if (!look_out(kLooks, called)) {  // calls often come one after the other
                std::unique_lock lock(mutex_);
                called_.wait(lock, called);
            }
            const Call call = call_;  // stays until all have been here and at the barrier
            if (call.function == nullptr) return;
            call.function(call.work, member);
            member.wait();
        }
    }

    void dismiss() {
        post({nullptr, nullptr});
        for (std::thread& thread : others_) thread.join();
    }

    const std::size_t n_threads_;
    Barrier barrier_;
    std::mutex mutex_;
    std::condition_variable called_;
    Call call_{nullptr, nullptr};
    std::atomic<std::uint64_t> n_calls_{0};
    std::vector<std::thread> others_;
#if defined(__unix__) || defined(__APPLE__)
    const pid_t process_ = getpid();
#endif
};

// Runs work(member) in a team that is there for this alone, or in this thread if one is enough.
template <class Work>
void run_team(std::size_t n_threads, const Work& work) {
    if (n_threads == 1) return work(Member{0, 1, nullptr});
    Team(n_threads).run(work);
}

// A team that is left alone in a forked process, where neither its threads nor what they wait at can be cleared away.
struct LeaveBehind {
    void operator()(Team* team) const {
        if (!team->left_behind()) delete team;
    }
};
using TeamPointer = std::unique_ptr<Team, LeaveBehind>;

}  // namespace bitlocal
