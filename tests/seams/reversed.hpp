// A toy exchange: the last thread presents the first samples, and updates the first rows. One file is all that another
// way to share the work takes.
#pragma once

#include "exchange.hpp"

namespace seams {

using namespace bitlocal;

class Reversed final : public Exchange {
  public:
    std::pair<std::size_t, std::size_t> samples(const Member& member, std::size_t size) const override {
        return share(member, size);
    }
    std::pair<std::size_t, std::size_t> rows(const Member& member, std::size_t n_rows) const override {
        return share(member, n_rows);
    }
    void between_choice_and_update(const Member& member, std::vector<Trace>&, std::size_t) override { member.wait(); }

  private:
    static std::pair<std::size_t, std::size_t> share(const Member& member, std::size_t n) {
        const Member other{member.team_size - 1 - member.index, member.team_size, member.barrier};
        return {other.share(n), other.share_end(n)};
    }
};

}  // namespace seams
