// A team of threads that runs one function side by side and meets at barriers.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace bitlocal {

// Where threads wait for each other. A mini-batch takes less time than the operating system needs to wake a thread, so
// those who come early look out for the others for a while before they go to sleep. std::barrier sleeps too soon.
class Barrier {
  public:
    explicit Barrier(std::size_t n_threads) : n_threads_(n_threads) {}

    void arrive_and_wait() {
        const std::uint32_t round = round_.load(std::memory_order_relaxed);  // cannot change before this thread arrives
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == n_threads_) {
            arrived_.store(0, std::memory_order_relaxed);
            round_.store(round + 1, std::memory_order_release);
            round_.notify_all();
            return;
        }
        for (std::uint32_t i = 0; i < kPauses + kYields; ++i) {
            if (round_.load(std::memory_order_acquire) != round) return;
            if (i < kPauses)
                pause();
            else
                std::this_thread::yield();  // the one that is waited for may be on this processor
        }
        round_.wait(round, std::memory_order_acquire);
    }

  private:
    static constexpr std::uint32_t kPauses = 500;  // some 10 microseconds
    static constexpr std::uint32_t kYields = 50;   // as much again

    static void pause() {
#if defined(__x86_64__) && defined(__GNUC__)
        __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
        asm volatile("isb");
#endif
    }

    const std::size_t n_threads_;
    alignas(64) std::atomic<std::size_t> arrived_{0};
    alignas(64) std::atomic<std::uint32_t> round_{0};
};

struct Member {
    std::size_t index;
    std::size_t team_size;
    Barrier* barrier;

    void meet() const {
        if (team_size > 1) barrier->arrive_and_wait();
    }

    // This thread's share of n things: from share(n) to share_end(n).
    std::size_t share(std::size_t n) const { return n * index / team_size; }
    std::size_t share_end(std::size_t n) const { return n * (index + 1) / team_size; }
};

// Calls work(member) once in each of n_threads threads, the calling one among them, and returns when all are done.
// `work` must not throw: what can fail (memory, say) is done before. Throws std::system_error, before any work has
// begun, when the threads cannot be had.
template <class Work>
void run_team(std::size_t n_threads, const Work& work) {
    enum : int { kWait, kGo, kGiveUp };
    Barrier barrier(n_threads);
    std::atomic<int> signal{kWait};
    std::vector<std::thread> others;
    others.reserve(n_threads - 1);
    const auto release = [&](int value) {
        signal = value;
        signal.notify_all();
    };
    const auto join = [&] {
        for (std::thread& thread : others) thread.join();
    };
    try {
        for (std::size_t i = 1; i < n_threads; ++i) {
            others.emplace_back([&, i] {
                signal.wait(kWait);
                if (signal == kGo) work(Member{i, n_threads, &barrier});
            });
        }
    } catch (...) {
        release(kGiveUp);
        join();
        throw;
    }
    release(kGo);
    work(Member{0, n_threads, &barrier});
    join();
}

}  // namespace bitlocal
