#include "layers/readout.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "kernels/dispatch.hpp"
#include "random.hpp"
#include "team.hpp"

namespace bitlocal {
namespace {

constexpr int kUnit = 64;           // what a row of a local classifier is worth at first
constexpr std::size_t kRun = 256;   // synapses that are summed at a time
constexpr std::size_t kAtOnce = 8;  // samples whose logits a thread has at a time

// Eight activations as masks: 0 for +1, and -1 for -1.
constexpr auto kMasks = [] {
    std::array<std::array<std::int16_t, 8>, 256> masks{};
    for (std::size_t byte = 0; byte < masks.size(); ++byte)
        for (std::size_t i = 0; i < 8; ++i) masks[byte][i] = static_cast<std::int16_t>((byte >> i & 1) - 1);
    return masks;
}();

// With a mask m, r * a is (r ^ m) - m: the sum of the first parts, to which one is to be added for each -1.
std::int32_t sum_of(const std::int16_t* r, const std::int16_t* masks, std::size_t n) {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += static_cast<std::int16_t>(r[i] ^ masks[i]);
    return sum;
}

}  // namespace

void Readout::start(const BitMatrix& rows) {
    std::vector<std::int16_t> values(n_classes() * n_inputs());
    for (std::size_t c = 0; c < n_classes(); ++c)
        for (std::size_t k = 0; k < n_inputs(); ++k)
            values[c * n_inputs() + k] = get_bit(rows.row(c), k) ? kUnit : -kUnit;
    set_values(values.data());
}

void Readout::logits(const Word* const* a, std::size_t n, std::int32_t* o) const {
    const std::size_t width = n_inputs();
    for (std::size_t s = 0; s < n; ++s, o += o_stride()) {
        auto n_negative = static_cast<std::int32_t>(width);
        for (std::size_t w = 0; w < words_for(width); ++w) n_negative -= std::popcount(a[s][w]);
        std::fill_n(o, o_stride(), 0);
        for (std::size_t c = 0; c < n_classes(); ++c) o[c] = n_negative;
        for (std::size_t first = 0; first < width; first += kRun) {
            const std::size_t size = std::min(kRun, width - first);
            alignas(64) std::int16_t masks[kRun];
            for (std::size_t i = 0; i < size; i += 8) {
                const std::size_t k = first + i;
                const auto byte = static_cast<std::uint8_t>(a[s][k / kWordBits] >> (k % kWordBits));
                std::copy_n(kMasks[byte].data(), 8, masks + i);
            }
            const std::int16_t* r = values().data() + first;
            for (std::size_t c = 0; c < n_classes(); ++c, r += width)
                o[c] += size == kRun ? sum_of(r, masks, kRun) : sum_of(r, masks, size);
        }
    }
}

Readout::Answer Readout::answer(const std::int32_t* o, std::int32_t target) const {
    std::int32_t rival = target == 0 ? 1 : 0;
    for (std::int32_t c = rival + 1; c < static_cast<std::int32_t>(n_classes()); ++c)
        if (c != target && o[c] > o[rival]) rival = c;
    const std::int32_t lead = o[target] - o[rival];
    return {lead > 0 || (lead == 0 && target < rival), lead < margin_ ? rival : -1};
}

std::size_t Readout::update(const Context& context, std::size_t begin, std::size_t end, const Lessons& lessons,
                            UpdateScratch& scratch) {
    std::size_t n_updates = 0;
    for (std::size_t c = begin; c < end; ++c) {
        std::size_t n = 0;
        for (std::size_t s = 0; s < lessons.size; ++s) {
            if (lessons.rivals[s] < 0) continue;
            const bool own = lessons.labels[s] == static_cast<std::int32_t>(c);
            if (!own && lessons.rivals[s] != static_cast<std::int32_t>(c)) continue;
            scratch.samples[n] = lessons.inputs[s];
            if (lessons.repeats != nullptr) scratch.repeats[n] = lessons.repeats[s];
            scratch.desired[n++] = own ? 1 : 0;
        }
        if (n > 0)
            n_updates += r_.update(context.kernels, c, scratch.samples.data(), scratch.desired.data(),
                                   lessons.repeats == nullptr ? nullptr : scratch.repeats.data(), n);
    }
    return n_updates;
}

ReadoutCounts Readout::pass(const ReadoutSet& set, const PassStream& stream, std::size_t batch_size,
                            std::size_t n_threads) {
    struct alignas(64) Workspace {
        std::vector<std::int32_t> o;
        UpdateScratch update;
        ReadoutCounts counts;
    };
    const Context context{kernels().rule};
    const std::size_t n_words = words_for(n_inputs());
    batch_size = std::min(batch_size, std::max<std::size_t>(set.n, 1));
    std::vector<const Word*> inputs(batch_size);
    std::vector<std::int32_t> labels(batch_size), rivals(batch_size);
    std::vector<std::uint32_t> repeats(set.weights == nullptr ? 0 : batch_size);
    std::vector<Workspace> workspaces(n_threads);
    for (Workspace& own : workspaces) {
        own.o.resize(kAtOnce * o_stride());
        own.update.samples.resize(batch_size);
        own.update.desired.resize(batch_size);
        own.update.repeats.resize(repeats.size());
    }

    run_team(n_threads, [&](Member member) {
        Workspace& own = workspaces[member.index];
        std::uint32_t step = stream.first_step;
        for (std::size_t first = 0; first < set.n; first += batch_size, ++step) {
            const std::size_t size = std::min(batch_size, set.n - first);
            for (std::size_t begin = member.share(size), end; begin < member.share_end(size); begin = end) {
                end = std::min(begin + kAtOnce, member.share_end(size));
                for (std::size_t s = begin; s < end; ++s) {
                    inputs[s] = set.samples + set.order[first + s] * n_words;
                    labels[s] = set.labels[set.order[first + s]];
                }
                logits(inputs.data() + begin, end - begin, own.o.data());
                for (std::size_t s = begin; s < end; ++s) {
                    std::uint32_t times = 1;
                    if (set.weights != nullptr)
                        times = repeats[s] = round_weight(set.weights[set.order[first + s]], stream.seed, stream.layer,
                                                          step, static_cast<std::uint32_t>(s));
                    const Answer given = answer(own.o.data() + (s - begin) * o_stride(), labels[s]);
                    own.counts.seen += times;
                    own.counts.correct += given.correct ? times : 0;
                    rivals[s] = times > 0 ? given.rival : -1;
                }
            }
            member.wait();
            own.counts.updates +=
                update(context, member.share(n_classes()), member.share_end(n_classes()),
                       {size, inputs.data(), labels.data(), rivals.data(), repeats.empty() ? nullptr : repeats.data()},
                       own.update);
            member.wait();
        }
    });
    ReadoutCounts total;
    for (const Workspace& own : workspaces) {
        total.seen += own.counts.seen;
        total.correct += own.counts.correct;
        total.updates += own.counts.updates;
    }
    return total;
}

}  // namespace bitlocal
