// A team of threads that runs one function side by side and meets at barriers.
#pragma once

#include <atomic>
#include <barrier>
#include <cstddef>
#include <thread>
#include <vector>

namespace bitlocal {

struct Member {
    std::size_t index;
    std::size_t team_size;
    std::barrier<>* barrier;

    void meet() const {
        if (team_size > 1) barrier->arrive_and_wait();
    }
};

// Calls work(member) once in each of n_threads threads, the calling one among them, and returns when all are done.
// `work` must not throw: what can fail (memory, say) is done before. Throws std::system_error, before any work has
// begun, when the threads cannot be had.
template <class Work>
void run_team(std::size_t n_threads, const Work& work) {
    enum : int { kWait, kGo, kGiveUp };
    std::barrier<> barrier(static_cast<std::ptrdiff_t>(n_threads));
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
