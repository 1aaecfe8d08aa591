// The barrier under stress: millions of rounds, with delays around the moment at which a thread falls asleep, with more
// threads than processors, and with all threads on one processor. What each thread wrote before the barrier must be
// there for the others after it. If nothing moves for a minute, every thread's stack is printed.
//
//     barrier_test [ROUNDS]    rounds in all; 200 000 if not given
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "team.hpp"

#ifdef __linux__
#include <dirent.h>
#include <execinfo.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace {

using bitlocal::Barrier;

std::atomic<std::uint64_t> progress{0};
std::atomic<bool> finished{false};

#ifdef __linux__
void print_stack(int) {
    void* frames[64];
    const char title[] = "\n-- a thread --\n";
    [[maybe_unused]] auto written = write(2, title, sizeof title - 1);
    backtrace_symbols_fd(frames, backtrace(frames, 64), 2);
}

void print_all_stacks() {
    struct sigaction action = {};
    action.sa_handler = print_stack;
    sigaction(SIGUSR2, &action, nullptr);
    DIR* tasks = opendir("/proc/self/task");
    if (tasks == nullptr) return;
    while (const dirent* task = readdir(tasks)) {
        if (std::atoi(task->d_name) == 0) continue;
        syscall(SYS_tgkill, getpid(), std::atoi(task->d_name), SIGUSR2);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));  // one after the other
    }
    closedir(tasks);
}

bool pin_to_one_processor() {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(sched_getcpu()), &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;  // threads that are made from here on inherit it
}
cpu_set_t all_processors() {
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    return set;
}
#else
void print_all_stacks() {}
#endif

void watch() {
    std::uint64_t before = 0;
    for (int still = 0; still < 60;) {
        std::this_thread::sleep_for(std::chrono::seconds(1));
        if (finished) return;
        const std::uint64_t now = progress;
        still = now == before ? still + 1 : 0;
        before = now;
    }
    std::fputs("no progress for a minute: the barrier has lost a thread\n", stderr);
    print_all_stacks();
    std::abort();
}

// Delays from none to about as long as it takes a thread to fall asleep, and now and then one that is far longer.
class Delays {
  public:
    Delays(std::uint64_t seed, std::uint32_t most) : state_(seed * 2 + 1), most_(most) {}

    void wait() {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        const auto random = static_cast<std::uint32_t>(state_ >> 33);
        if (most_ == 0) return;
        std::uint32_t n = random % most_;
        if (random % 1024 == 0) n *= 50;
        for (std::uint32_t i = 0; i < n; ++i) asm volatile("");
    }

  private:
    std::uint64_t state_;
    std::uint32_t most_;
};

struct Setting {
    std::size_t n_threads;
    std::uint32_t n_looks;  // before a thread goes to sleep
    std::uint32_t delay;
    bool pinned;
    std::uint64_t share;  // of the rounds, in per cent
};

bool run(const Setting& setting, std::uint64_t n_rounds) {
    Barrier barrier(setting.n_threads, setting.n_looks);
    std::vector<std::uint64_t> slots(2 * 8 *
                                     setting.n_threads);  // each thread's own cache line, for even and odd rounds
    std::atomic<bool> right{true};
    const auto work = [&](std::size_t index) {
        Delays delays(index + 1, setting.delay);
        for (std::uint64_t round = 1; round <= n_rounds; ++round) {
            std::uint64_t* of_round = slots.data() + (round % 2) * 8 * setting.n_threads;
            delays.wait();
            of_round[8 * index] = round;
            barrier.arrive_and_wait();
            for (std::size_t i = 0; i < setting.n_threads; ++i)
                if (of_round[8 * i] != round) right = false;
            if (index == 0) progress.fetch_add(1, std::memory_order_relaxed);
        }
    };
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < setting.n_threads; ++i) threads.emplace_back(work, i);
    work(0);
    for (std::thread& thread : threads) thread.join();
    std::printf("%zu threads, %u looks, delays below %u%s: %llu rounds, %s\n", setting.n_threads, setting.n_looks,
                setting.delay, setting.pinned ? ", one processor" : "", static_cast<unsigned long long>(n_rounds),
                right ? "right" : "WRONG");
    std::fflush(stdout);
    return right;
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t n_rounds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200'000;
    const std::vector<Setting> settings = {
        {2, bitlocal::kLooks, 0, false, 30},
        {2, bitlocal::kLooks, 40'000, false, 10},
        {2, 0, 0, false, 10},
        {2, 0, 300, false, 10},
        {2, 1, 1'000, false, 10},
        {2, 30, 3'000, false, 10},
        {3, bitlocal::kLooks, 2'000, false, 4},
        {4, 3, 1'000, false, 4},
        {8, 0, 500, false, 2},
        {2, 0, 300, true, 4},
        {2, bitlocal::kLooks, 1'000, true, 3},
        {5, 2, 500, true, 3},
    };
    std::thread watchdog(watch);
    bool right = true;
    for (const Setting& setting : settings) {
#ifdef __linux__
        const cpu_set_t all = all_processors();
        if (setting.pinned && !pin_to_one_processor()) std::puts("cannot pin threads to a processor");
#endif
        right = run(setting, n_rounds * setting.share / 100) && right;
#ifdef __linux__
        sched_setaffinity(0, sizeof all, &all);
#endif
    }
    finished = true;
    watchdog.join();
    return right ? 0 : 1;
}
