// A toy exchange between machines: each has a network of its own, presents its part of every mini-batch, and is told by
// letter, in plain numbers, what the other machines' samples chose. Then each machine updates all rows by all samples,
// so the networks stay the same, bit for bit. One file is all that data parallelism takes.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "exchange.hpp"

namespace seams {

using namespace bitlocal;

// What lies between the machines: a letter from each, which all have read before the next is written.
struct Mail {
    explicit Mail(std::size_t n_machines) : letters(n_machines), everyone(n_machines) {}

    std::vector<std::vector<std::uint64_t>> letters;
    Barrier everyone;
};

class Gathered final : public Exchange {
  public:
    Gathered(Mail& mail, std::size_t machine) : mail_(mail), machine_(machine) {}

    std::pair<std::size_t, std::size_t> samples(const Member& member, std::size_t size) const override {
        const std::size_t first = part(machine_).share(size), n = part(machine_).share_end(size) - first;
        return {first + member.share(n), first + member.share_end(n)};
    }
    std::pair<std::size_t, std::size_t> rows(const Member& member, std::size_t n_rows) const override {
        return {member.share(n_rows), member.share_end(n_rows)};
    }
    void between_choice_and_update(const Member& member, std::vector<Trace>& traces, std::size_t size) override {
        member.wait();
        if (member.index == 0) {
            const auto write = [this](auto& number) {
                mail_.letters[machine_].push_back(static_cast<std::uint64_t>(number));
            };
            mail_.letters[machine_].clear();
            for_each_number(traces, machine_, size, write);
            mail_.everyone.arrive_and_wait();
            for (std::size_t other = 0; other < mail_.letters.size(); ++other) {
                if (other == machine_) continue;
                auto next = mail_.letters[other].begin();
                const auto read = [&next](auto& number) {
                    number = static_cast<std::decay_t<decltype(number)>>(*next++);
                };
                for_each_number(traces, other, size, read);
            }
            mail_.everyone.arrive_and_wait();
        }
        member.wait();
    }
    void sum(std::uint64_t* numbers, std::size_t n) override {
        mail_.letters[machine_].assign(numbers, numbers + n);
        mail_.everyone.arrive_and_wait();
        for (std::size_t i = 0; i < n; ++i) {
            numbers[i] = 0;
            for (const auto& letter : mail_.letters) numbers[i] += letter[i];
        }
        mail_.everyone.arrive_and_wait();
    }

  private:
    Member part(std::size_t machine) const { return {machine, mail_.letters.size(), nullptr}; }

    // All that the samples which a machine presents leave in the traces, in an order on which all agree.
    template <class Work>
    void for_each_number(std::vector<Trace>& traces, std::size_t machine, std::size_t size, const Work& work) const {
        for (std::size_t s = part(machine).share(size); s < part(machine).share_end(size); ++s)
            for (Trace& trace : traces) {
                const std::size_t batch_size = trace.errors.size();
                work(trace.errors[s]);
                for (std::size_t i = s; i < trace.chosen.size(); i += batch_size) work(trace.chosen[i]);
                if (!trace.chosen_answers.empty()) work(trace.chosen_answers[s]);
                if (!trace.rivals.empty()) work(trace.rivals[s]);
                BitMatrix& outputs = trace.stages.back();
                for (std::size_t w = 0; w < outputs.n_words(); ++w) work(outputs.row(s)[w]);
            }
    }

    Mail& mail_;
    const std::size_t machine_;
};

}  // namespace seams
