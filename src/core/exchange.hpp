// What workers tell each other about a mini-batch, between the choice (steps 1 to 5) and the update (steps 6 and 7).
//
// Each worker presents its share of the samples, and updates its share of every layer's rows by all samples. So before
// the updates, everyone must have what all samples chose; the sums that follow do not depend on who presented what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "team.hpp"
#include "trace.hpp"

namespace bitlocal {

class Exchange {
  public:
    virtual ~Exchange() = default;

    // The samples of a mini-batch that a thread presents: from first to before second.
    virtual std::pair<std::size_t, std::size_t> samples(const Member& member, std::size_t size) const = 0;
    // The rows of a layer that a thread updates.
    virtual std::pair<std::size_t, std::size_t> rows(const Member& member, std::size_t n_rows) const = 0;
    // Returns when the traces hold what all samples of the mini-batch chose. Called by every thread. Of a sample that
    // nobody presented in this process, it fills in what the forward pass would have left: errors, chosen,
    // chosen_answers and rivals, and the last of the stages. The rest follows from its label, and is there after a
    // member.wait().
    virtual void between_choice_and_update(const Member& member, std::vector<Trace>& traces, std::size_t size) = 0;
    // Makes numbers that were counted for the samples presented in this process those of all. Called by one thread, at
    // the end of a call.
    virtual void sum(std::uint64_t* /*numbers*/, std::size_t /*n*/) {}
};

// Within one process: the threads share the traces, and wait for each other.
class LocalExchange final : public Exchange {
  public:
    std::pair<std::size_t, std::size_t> samples(const Member& member, std::size_t size) const override {
        return {member.share(size), member.share_end(size)};
    }
    std::pair<std::size_t, std::size_t> rows(const Member& member, std::size_t n_rows) const override {
        return {member.share(n_rows), member.share_end(n_rows)};
    }
    void between_choice_and_update(const Member& member, std::vector<Trace>&, std::size_t) override { member.wait(); }
};

}  // namespace bitlocal
