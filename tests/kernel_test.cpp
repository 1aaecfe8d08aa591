// Every kernel of every instruction set that can run here, against what kernels.hpp says, computed with unpacked bits
// and plain loops that share no code with any kernel: at the edges of lanes, at addresses aligned for words and
// integers only, on extreme data, with canaries around everything that a kernel writes.
//
//   kernel_test [ONE_IN] [NAME...]
//
// NAME    instruction sets, all of which must run; without names, all that can run here
// ONE_IN  test only one case in this many, for emulators
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"

// Under the address sanitizer, buffers end where their memory ends, so that it sees reads beyond them; elsewhere
// canaries follow.
#if defined(__SANITIZE_ADDRESS__)
#define KERNEL_TEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KERNEL_TEST_ASAN 1
#endif
#endif

namespace {

using namespace bitlocal;

#ifdef KERNEL_TEST_ASAN
constexpr std::size_t kBehind = 0;
#else
constexpr std::size_t kBehind = 80;
#endif
constexpr std::size_t kBefore = 64;

std::uint64_t comparisons = 0;
std::string where;  // what is being tested, for messages

// Where time is short, only one case in so many is tested: a number without common factors with the lengths of the
// lists below, so that every entry of each list still has its turn.
std::uint64_t one_in = 1, case_number = 0;

bool left_out() {
    return case_number++ % one_in != 0;
}

[[noreturn]] void fail(const char* what, std::size_t index, long long actual, long long expected) {
    std::printf("%s: %s[%zu] is %lld, expected %lld\n", where.c_str(), what, index, actual, expected);
    std::exit(1);
}

template <class T>
void expect_equal(const char* what, std::size_t index, T actual, T expected) {
    ++comparisons;
    if (actual != expected) fail(what, index, static_cast<long long>(actual), static_cast<long long>(expected));
}

class Random {  // xorshift64 (G. Marsaglia, "Xorshift RNGs", 2003)
  public:
    explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
    std::uint64_t word() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_;
    }
    // low ... high, both included
    std::int32_t integer(std::int64_t low, std::int64_t high) {
        const auto range = static_cast<std::uint64_t>(high - low + 1);
        return static_cast<std::int32_t>(low + static_cast<std::int64_t>((word() >> 16) % range));
    }
    std::uint8_t bit() { return word() >> 40 & 1; }

  private:
    std::uint64_t state_;
};

// n elements with canaries around them, `offset` elements away from where the allocator would have put them.
template <class T>
class Guarded {
  public:
    explicit Guarded(std::size_t n, std::size_t offset = 1, T canary = static_cast<T>(0x5AC396E1D2B4780Fu))
        : canary_(canary), first_(kBefore + offset), n_(n), all_(first_ + n + kBehind, canary) {}

    T* data() { return all_.data() + first_; }
    T& operator[](std::size_t i) { return data()[i]; }
    T canary() const { return canary_; }

    void check_canaries(const char* what) const {
        for (std::size_t i = 0; i < all_.size(); ++i)
            if ((i < first_ || i >= first_ + n_) && all_[i] != canary_) {
                std::printf("%s: wrote out of bounds: %s[%lld]\n", where.c_str(), what,
                            static_cast<long long>(i) - static_cast<long long>(first_));
                std::exit(1);
            }
    }

  private:
    T canary_;
    std::size_t first_;
    std::size_t n_;
    std::vector<T> all_;
};

using Bits = std::vector<std::uint8_t>;  // one a byte, 0 or 1

std::size_t words(std::size_t bits) {
    return (bits + 63) / 64;
}

void pack(const Bits& bits, Word* out, std::size_t stride) {
    for (std::size_t w = 0; w < words(bits.size()); ++w) out[w * stride] = 0;
    for (std::size_t j = 0; j < bits.size(); ++j) out[j / 64 * stride] += Word{bits[j]} << (j % 64);
}

// Bits of n rows, each packed into its own memory.
struct Rows {
    std::vector<Bits> bits;
    std::vector<Guarded<Word>> packed;
    std::vector<const Word*> pointers;

    void add(const Bits& row) {
        bits.push_back(row);
        packed.emplace_back(words(row.size()), 1 + packed.size() % 3);
        pack(row, packed.back().data(), 1);
        pointers.push_back(packed.back().data());  // stays valid: moving a vector keeps its memory
    }
};

enum class Data { kAgree, kDisagree, kAlternate, kRandom, kLastBit };
constexpr Data kAllData[] = {Data::kAgree, Data::kDisagree, Data::kAlternate, Data::kRandom, Data::kLastBit};
constexpr const char* kDataNames[] = {"all agree", "all disagree", "alternating", "random", "last bit"};

// Row `row` of a set of rows; `other` distinguishes the samples from what they are compared with.
Bits make_bits(Data data, std::size_t n, bool other, std::size_t row, Random& random) {
    Bits bits(n);
    for (std::size_t j = 0; j < n; ++j) switch (data) {
            case Data::kAgree:
                bits[j] = 1;
                break;
            case Data::kDisagree:
                bits[j] = other;
                break;
            case Data::kAlternate:
                bits[j] = (j + row) & 1;
                break;
            case Data::kRandom:
                bits[j] = random.bit();
                break;
            case Data::kLastBit:
                bits[j] = other && j + 1 == n;
                break;
        }
    return bits;
}

const std::vector<std::size_t> kEdges = {1,   2,   7,   8,   9,   15,  16,  17,  31,  32,  33,  47,
                                         48,  49,  63,  64,  65,  95,  96,  97,  127, 128, 129, 191,
                                         192, 193, 255, 256, 257, 320, 383, 448, 511, 512, 513, 1000};
// Around where the byte counters of vector kernels overflow: 31 words or 31 times four.
const std::vector<std::size_t> kLong = {1536, 1728, 1920, 1983, 1984, 1985, 2047, 2048, 2049, 2112,  3968,
                                        4033, 7872, 7873, 7935, 7936, 7937, 8000, 8064, 8191, 15872, 17000};

void test_preactivations(const KernelSet& kernels, std::size_t n_inputs, std::size_t n_neurons, std::size_t n_samples,
                         std::size_t gap, Data data) {
    if (left_out()) return;
    where = std::string(kernels.name) + " preactivations, " + std::to_string(n_inputs) + " inputs, " +
            std::to_string(n_neurons) + " neurons, " + std::to_string(n_samples) + " samples, " +
            kDataNames[static_cast<int>(data)];
    Random random(n_inputs * 131 + n_neurons);
    const std::size_t n_blocks = (n_neurons + kLanes - 1) / kLanes, n_words = words(n_inputs);
    // Blocks of kLanes neurons: word 0 of each, word 1 of each, ...; the neurons that fill the last block are zero.
    Guarded<Word> weights(n_blocks * kLanes * n_words);
    std::vector<Bits> w(n_blocks * kLanes, Bits(n_inputs));
    for (std::size_t k = 0; k < w.size(); ++k) {
        if (k < n_neurons) w[k] = make_bits(data, n_inputs, false, k, random);
        pack(w[k], weights.data() + k / kLanes * kLanes * n_words + k % kLanes, kLanes);
    }
    Rows samples;
    for (std::size_t s = 0; s < n_samples; ++s) samples.add(make_bits(data, n_inputs, true, s, random));
    const std::size_t used = n_blocks * kLanes, stride = used + gap;
    Guarded<std::int32_t> z((n_samples - 1) * stride + used, 1 + n_samples % 4);

    kernels.rule.preactivations(weights.data(), n_blocks, n_words, static_cast<std::int32_t>(n_inputs),
                                samples.pointers.data(), n_samples, z.data(), stride);

    for (std::size_t s = 0; s < n_samples; ++s) {
        for (std::size_t k = 0; k < used; ++k) {
            std::int32_t expected = 0;
            for (std::size_t j = 0; j < n_inputs; ++j) expected += w[k][j] == samples.bits[s][j] ? 1 : -1;
            expect_equal("z", s * stride + k, z[s * stride + k], expected);
        }
        for (std::size_t k = used; k < stride && s + 1 < n_samples; ++k)
            expect_equal("between rows of z", s * stride + k, z[s * stride + k], z.canary());
    }
    z.check_canaries("z");
}

void test_preactivations(const KernelSet& kernels) {
    for (Data data : kAllData) {
        for (std::size_t n_inputs : kEdges) {
            for (std::size_t n_neurons : {1u, 8u, 9u}) test_preactivations(kernels, n_inputs, n_neurons, 3, 3, data);
            for (std::size_t n_neurons : {16u, 65u}) test_preactivations(kernels, n_inputs, n_neurons, 2, 0, data);
        }
        for (std::size_t n_samples = 1; n_samples <= 9; ++n_samples)
            test_preactivations(kernels, 321, 17, n_samples, n_samples % 3, data);
        for (std::size_t n_neurons : {127u, 128u, 129u, 257u, 1000u})
            test_preactivations(kernels, 65, n_neurons, 2, 5, data);
        for (std::size_t n_inputs : kLong) {
            test_preactivations(kernels, n_inputs, 9, 1, 0, data);
            test_preactivations(kernels, n_inputs, 8, 5, 1, data);
        }
    }
}

void test_activations(const KernelSet& kernels, std::size_t n_neurons, int kind) {
    if (left_out()) return;
    where = std::string(kernels.name) + " activations, " + std::to_string(n_neurons) + " neurons, data " +
            std::to_string(kind);
    Random random(n_neurons);
    const std::size_t padded = (n_neurons + kLanes - 1) / kLanes * kLanes;
    Guarded<std::int32_t> z(padded, 1 + n_neurons % 4);
    for (std::size_t k = 0; k < padded; ++k) {
        const std::int32_t values[] = {0,
                                       -1,
                                       k % 2 == 0 ? 1 : -1,
                                       random.integer(-2, 2),
                                       random.integer(INT32_MIN, INT32_MAX),
                                       random.bit() ? INT32_MIN : INT32_MAX,
                                       random.bit() ? 0x00FF00FF : -0x01000000};  // signs of bytes say nothing
        z[k] = values[kind];
    }
    const std::vector<std::int32_t> before(z.data(), z.data() + padded);
    Guarded<Word> a(words(n_neurons));

    kernels.rule.activations(z.data(), n_neurons, a.data());

    for (std::size_t w = 0; w < words(n_neurons); ++w) {
        Word expected = 0;
        for (std::size_t k = 64 * w; k < std::min(n_neurons, 64 * w + 64); ++k)
            if (before[k] >= 0) expected += Word{1} << (k % 64);
        expect_equal("a", w, a[w], expected);
    }
    for (std::size_t k = 0; k < padded; ++k) expect_equal("z", k, z[k], before[k]);
    a.check_canaries("a");
    z.check_canaries("z");
}

void test_activations(const KernelSet& kernels) {
    for (int kind = 0; kind < 7; ++kind) {
        for (std::size_t n_neurons : kEdges) test_activations(kernels, n_neurons, kind);
        for (std::size_t n_neurons : kLong) test_activations(kernels, n_neurons, kind);
    }
}

enum class Choice { kRandom, kTies, kNoneWrong, kAllWrong, kZero, kLarge, kOneWrong };
constexpr Choice kAllChoices[] = {Choice::kRandom, Choice::kTies,  Choice::kNoneWrong, Choice::kAllWrong,
                                  Choice::kZero,   Choice::kLarge, Choice::kOneWrong};
constexpr const char* kChoiceNames[] = {"random", "ties", "none wrong", "all wrong", "zero", "large", "one wrong"};

void test_choose(const KernelSet& kernels, std::size_t n_groups, std::size_t group_size, std::size_t stride,
                 Choice kind) {
    if (left_out()) return;
    where = std::string(kernels.name) + " choose, " + std::to_string(n_groups) + " groups of " +
            std::to_string(group_size) + ", stride " + std::to_string(stride) + ", " +
            kChoiceNames[static_cast<int>(kind)];
    constexpr std::int32_t kLargest = 1 << 24;
    Random random(n_groups * 1009 + group_size * 7 + stride);
    const std::size_t n = n_groups * group_size;
    Bits desired(n);
    std::vector<std::int32_t> z(n);
    for (std::size_t k = 0; k < n; ++k) {
        desired[k] = random.bit();
        const std::int32_t wanted = desired[k] ? 1 : -1;
        switch (kind) {
            case Choice::kRandom:
                z[k] = random.integer(-5000, 5000);
                break;
            case Choice::kTies:
                z[k] = random.integer(-2, 2);
                break;
            case Choice::kNoneWrong:
                z[k] = wanted * random.integer(0, 3);
                break;
            case Choice::kAllWrong:
                z[k] = -wanted * 7;
                break;
            case Choice::kZero:
                z[k] = 0;
                break;
            case Choice::kLarge:
                z[k] = random.bit() ? -wanted * kLargest : random.integer(-kLargest, kLargest);
                break;
            case Choice::kOneWrong:  // at every place in turn
                z[k] = k % group_size == k / group_size % group_size ? -wanted * kLargest : wanted;
                break;
        }
    }
    // Behind the last neuron, where a kernel may read, lie distances that would win if they counted.
    Guarded<std::int32_t> work(n + kLanes, 1 + n % 4);
    std::copy(z.begin(), z.end(), work.data());
    for (std::size_t i = 0; i < kLanes; ++i) work[n + i] = i % 2 == 0 ? 1 : -1;
    Rows rows;
    rows.add(desired);
    Guarded<std::int32_t> chosen((n_groups - 1) * stride + 1);

    kernels.rule.choose(work.data(), rows.pointers[0], n_groups, group_size, chosen.data(), stride);

    for (std::size_t g = 0; g < n_groups; ++g) {
        std::int32_t expected = -1, least = 0;
        for (std::size_t i = 0; i < group_size; ++i) {
            const std::size_t k = g * group_size + i;
            const bool wrong = desired[k] == 1 ? z[k] < 0 : z[k] > 0;
            const std::int32_t distance = std::abs(z[k]);
            if (!wrong || (expected >= 0 && distance >= least)) continue;
            expected = static_cast<std::int32_t>(i);
            least = distance;
        }
        expect_equal("chosen", g * stride, chosen[g * stride], expected);
        for (std::size_t i = 1; i < stride && g + 1 < n_groups; ++i)
            expect_equal("between the chosen", g * stride + i, chosen[g * stride + i], chosen.canary());
    }
    chosen.check_canaries("chosen");
    work.check_canaries("z");
}

void test_choose(const KernelSet& kernels) {
    std::vector<std::size_t> group_sizes = {31, 32, 33, 45, 63, 64, 65, 100, 129, 1000};
    for (std::size_t size = 1; size <= 17; ++size) group_sizes.push_back(size);
    for (Choice kind : kAllChoices)
        for (std::size_t group_size : group_sizes)
            for (std::size_t n_groups : {1u, 2u, 3u, 7u, 8u, 9u, 17u, 65u})
                for (std::size_t stride : {1u, 3u}) test_choose(kernels, n_groups, group_size, stride, kind);
}

struct Clip {
    std::int16_t low, high;
};
constexpr Clip kNoClip = {INT16_MIN, INT16_MAX};

enum class Start { kRandom, kLow, kHigh, kNearZero };
constexpr Start kAllStarts[] = {Start::kRandom, Start::kLow, Start::kHigh, Start::kNearZero};
constexpr const char* kStartNames[] = {"anywhere", "at h_min", "at h_max", "near zero"};

void test_update(const KernelSet& kernels, std::size_t n_inputs, std::size_t n_samples, Clip clip, Start start,
                 Data data) {
    if (left_out()) return;
    where = std::string(kernels.name) + " update, " + std::to_string(n_inputs) + " inputs, " +
            std::to_string(n_samples) + " samples, clipped to " + std::to_string(clip.low) + " ... " +
            std::to_string(clip.high) + ", " + kStartNames[static_cast<int>(start)] + ", " +
            kDataNames[static_cast<int>(data)];
    Random random(n_inputs * 40503 + n_samples);
    Guarded<std::int16_t> h(n_inputs, 1 + 2 * (n_samples % 4));
    for (std::size_t j = 0; j < n_inputs; ++j) {
        const std::int32_t any = random.integer(clip.low, clip.high);
        const std::int32_t values[] = {any, clip.low, clip.high,
                                       std::clamp<std::int32_t>(any % 5, clip.low, clip.high)};
        h[j] = static_cast<std::int16_t>(values[static_cast<int>(start)]);
    }
    const std::vector<std::int16_t> before(h.data(), h.data() + n_inputs);
    // Many samples are pointers to fewer rows. kAgree: all bits and desired activations are 1; kDisagree: bits 1,
    // desired 0; the others mix both.
    Rows rows;
    const std::size_t n_rows = std::min<std::size_t>(n_samples, 61);
    for (std::size_t r = 0; r < n_rows; ++r) rows.add(make_bits(data, n_inputs, true, r, random));
    std::vector<const Word*> pointers(n_samples);
    Guarded<std::uint8_t> desired(n_samples);
    for (std::size_t s = 0; s < n_samples; ++s) {
        pointers[s] = rows.pointers[s % n_rows];
        desired[s] = data == Data::kAgree ? 1 : data == Data::kDisagree ? 0 : random.bit();
    }
    // What a bit 1 of each row adds to its counter: the samples of that row that want 1 less those that do not.
    std::vector<std::int32_t> balance(n_rows);
    for (std::size_t s = 0; s < n_samples; ++s) balance[s % n_rows] += desired[s] == 1 ? 1 : -1;
    // One neuron of a block: its words lie kLanes apart, the words between them are other neurons'.
    Guarded<Word> weight((words(n_inputs) - 1) * kLanes + 1, 1 + n_inputs % kLanes);

    kernels.rule.update(h.data(), n_inputs, pointers.data(), desired.data(), n_samples, clip.low, clip.high,
                        weight.data());

    std::vector<Word> expected_weight((words(n_inputs) - 1) * kLanes + 1, weight.canary());
    for (std::size_t w = 0; w < words(n_inputs); ++w) expected_weight[w * kLanes] = 0;
    for (std::size_t j = 0; j < n_inputs; ++j) {
        std::int32_t sum = before[j];
        for (std::size_t r = 0; r < n_rows; ++r) sum += rows.bits[r][j] == 1 ? balance[r] : -balance[r];
        if (sum < clip.low) sum = clip.low;
        if (sum > clip.high) sum = clip.high;
        expect_equal("h", j, std::int32_t{h[j]}, sum);
        if (sum >= 0) expected_weight[j / 64 * kLanes] += Word{1} << (j % 64);
    }
    for (std::size_t w = 0; w < expected_weight.size(); ++w) expect_equal("weight", w, weight[w], expected_weight[w]);
    h.check_canaries("h");
    weight.check_canaries("weight");
}

void test_update(const KernelSet& kernels) {
    const Clip clips[] = {kNoClip, {-1, 0}, {-3, 2}, {-101, 100}, {INT16_MIN, 0}, {-1, INT16_MAX}};
    for (Data data : kAllData) {
        for (Start start : kAllStarts) {
            for (Clip clip : clips)
                for (std::size_t n_inputs : kEdges)
                    for (std::size_t n_samples : {1u, 2u, 3u, 17u})
                        test_update(kernels, n_inputs, n_samples, clip, start, data);
            for (std::size_t n_samples : {15u, 16u, 31u, 32u, 63u, 64u, 127u, 128u, 129u, 254u, 255u, 256u, 257u, 300u,
                                          510u, 511u, 512u, 1000u})
                for (std::size_t n_inputs : {1u, 64u, 130u})
                    test_update(kernels, n_inputs, n_samples, kNoClip, start, data);
            for (std::size_t n_samples : {255u, 256u, 300u})
                test_update(kernels, 65, n_samples, {-101, 100}, start, data);
            for (std::size_t n_samples : {16383u, 16384u, 32767u, 32768u, 40000u, 65535u, 65536u})
                for (std::size_t n_inputs : {3u, 67u}) test_update(kernels, n_inputs, n_samples, kNoClip, start, data);
        }
        for (std::size_t n_inputs : kLong)
            for (std::size_t n_samples : {1u, 5u})
                test_update(kernels, n_inputs, n_samples, kNoClip, Start::kRandom, data);
    }
}

// Philox4x32-10 as its authors write it, and their known answers (Random123, kat_vectors).
std::vector<std::uint32_t> philox(std::vector<std::uint32_t> c, std::uint32_t k0, std::uint32_t k1) {
    for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c[0], p1 = std::uint64_t{0xCD9E8D57} * c[2];
        const auto high = [](std::uint64_t p) { return static_cast<std::uint32_t>(p >> 32); };
        const auto low = [](std::uint64_t p) { return static_cast<std::uint32_t>(p & 0xFFFFFFFF); };
        c = {high(p1) ^ c[1] ^ k0, low(p1), high(p0) ^ c[3] ^ k1, low(p0)};
    }
    return c;
}

void test_random_words(const KernelSet& kernels) {
    struct Known {
        std::uint32_t counter[4], key[2], answer[4];
    };
    constexpr std::uint32_t kOnes = 0xFFFFFFFF;
    const Known known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8}},
        {{kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}, {0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD}},
        {{0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344},
         {0xA4093822, 0x299F31D0},
         {0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1}},
    };
    for (const Known& k : known) {
        for (std::size_t n_blocks : {kBlocksAtOnce, 3 * kBlocksAtOnce, 16 * kBlocksAtOnce}) {
            where = std::string(kernels.name) + " random_words, " + std::to_string(n_blocks) + " blocks";
            Guarded<std::uint64_t> words(2 * n_blocks);
            kernels.rule.random_words(k.key, k.counter, n_blocks, words.data());
            expect_equal("known words", 0, words[0], k.answer[0] | (std::uint64_t{k.answer[1]} << 32));
            expect_equal("known words", 1, words[1], k.answer[2] | (std::uint64_t{k.answer[3]} << 32));
            for (std::size_t b = 0; b < n_blocks; ++b) {  // the number of the block wraps around
                const auto block = static_cast<std::uint32_t>(k.counter[0] + b);
                const auto c = philox({block, k.counter[1], k.counter[2], k.counter[3]}, k.key[0], k.key[1]);
                expect_equal("words", 2 * b, words[2 * b], c[0] | (std::uint64_t{c[1]} << 32));
                expect_equal("words", 2 * b + 1, words[2 * b + 1], c[2] | (std::uint64_t{c[3]} << 32));
            }
            words.check_canaries("words");
        }
    }
}

void test_masked_popcounts(const KernelSet& kernels) {
    for (std::size_t n_counts : {std::size_t{0}, std::size_t{1}, std::size_t{9}, std::size_t{100}}) {
        if (left_out()) continue;
        where = std::string(kernels.name) + " masked_popcounts, " + std::to_string(n_counts) + " counts";
        Random random(n_counts + 1);
        Guarded<Word> row(7, 1);
        for (std::size_t w = 0; w < 7; ++w) row[w] = random.word();
        std::vector<std::uint32_t> first_term{0}, places;
        std::vector<Word> masks, flips;
        std::vector<std::int32_t> expected;
        for (std::size_t i = 0; i < n_counts; ++i) {
            std::int32_t count = 0;
            for (std::int32_t t = random.integer(0, 5); t > 0; --t) {
                places.push_back(static_cast<std::uint32_t>(random.integer(0, 6)));
                masks.push_back(random.word());
                flips.push_back(random.bit() ? random.word() : 0);
                for (std::size_t k = 0; k < 64; ++k)
                    count += static_cast<std::int32_t>(masks.back() >> k &
                                                       (row[places.back()] >> k ^ flips.back() >> k) & 1);
            }
            first_term.push_back(static_cast<std::uint32_t>(places.size()));
            expected.push_back(count);
        }
        Guarded<std::int32_t> counts(n_counts, 1);
        kernels.encode.masked_popcounts(row.data(), first_term.data(), places.data(), masks.data(), flips.data(),
                                        n_counts, counts.data());
        for (std::size_t i = 0; i < n_counts; ++i) expect_equal("count", i, counts[i], expected[i]);
        counts.check_canaries("counts");
    }
}

void test_count_nearest(const KernelSet& kernels) {
    for (std::size_t n : {std::size_t{1}, std::size_t{16}, std::size_t{100}, std::size_t{256}, std::size_t{1000}})
        for (std::size_t n_bits : {std::size_t{2}, std::size_t{9}, std::size_t{64}, std::size_t{252}, std::size_t{700}})
            for (std::size_t n_nearest : {std::size_t{1}, n / 16 + 1, n / 2 + 1, n}) {  // few bits make many equals
                if (left_out()) continue;
                where = std::string(kernels.name) + " count_nearest, " + std::to_string(n_nearest) + " of " +
                        std::to_string(n) + ", " + std::to_string(n_bits) + " bits";
                Random random(n + n_bits + n_nearest);
                std::vector<Bits> book(n, Bits(n_bits));
                Bits sample(n_bits);
                for (Bits& word : book)
                    for (std::uint8_t& bit : word) bit = random.bit();
                for (std::uint8_t& bit : sample) bit = random.bit();
                // As SlicedWords says.
                const std::size_t n_strips = (n + 255) / 256;
                std::size_t n_planes = 4;
                while (2 * n_bits >> n_planes) ++n_planes;
                Guarded<Word> off(n_strips * (n_bits + 1) * kStripWords, 1, 0),
                    on(n_strips * n_planes * kStripWords, 2, 0);
                for (std::size_t m = 0; m < n; ++m) {
                    const std::size_t place = m / 64 % kStripWords, strip = m / 256;
                    std::size_t n_on = 0;
                    for (std::size_t k = 0; k < n_bits; ++k) {
                        n_on += book[m][k];
                        if (!book[m][k]) off[(strip * (n_bits + 1) + k) * kStripWords + place] |= Word{1} << m % 64;
                    }
                    for (std::size_t p = 0; p < n_planes; ++p)
                        if (n_on >> p & 1) on[(strip * n_planes + p) * kStripWords + place] |= Word{1} << m % 64;
                }
                Guarded<Word> row(words(n_bits));
                pack(sample, row.data(), 1);
                std::vector<std::size_t> distance(n), order(n);
                Guarded<std::uint16_t> counts(n, 1);
                for (std::size_t m = 0; m < n; ++m) {
                    for (std::size_t k = 0; k < n_bits; ++k) distance[m] += book[m][k] != sample[k];
                    counts[m] = static_cast<std::uint16_t>(m);
                    order[m] = m;
                }
                std::stable_sort(order.begin(), order.end(),
                                 [&](std::size_t a, std::size_t b) { return distance[a] < distance[b]; });
                std::vector<std::uint16_t> expected(n);
                for (std::size_t i = 0; i < n; ++i)
                    expected[order[i]] = static_cast<std::uint16_t>(order[i] + (i < n_nearest ? 1 : 0));
                const SlicedWords sliced{off.data(), on.data(), n, n_bits, n_planes};
                Guarded<Word> scratch(scratch_for(sliced), 1);
                kernels.encode.count_nearest(sliced, row.data(), n_nearest, scratch.data(), counts.data());
                for (std::size_t m = 0; m < n; ++m) expect_equal("count", m, counts[m], expected[m]);
                scratch.check_canaries("scratch");
                counts.check_canaries("counts");
            }
}

void test_peak(const KernelSet& kernels) {
    std::uint64_t expected = 0;
    for (std::uint64_t round = 0; round < 4; ++round) {
        where = std::string(kernels.name) + " peak, " + std::to_string(round) + " rounds";
        expect_equal("sum", 0, kernels.peak(round), expected);
        for (Word weight : kPeakWeights)
            for (Word differ = weight ^ kPeakStep * (round + 1); differ != 0; differ >>= 1)
                expected += differ % 2 * kPeakWords;
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    std::vector<std::string> names(argv + 1, argv + argc);
    if (!names.empty() && names[0].find_first_not_of("0123456789") == std::string::npos) {
        one_in = std::max(1ULL, std::stoull(names[0]));
        names.erase(names.begin());
    }
    std::size_t n_ran = 0;
    for (const InstructionSet& isa : instruction_sets()) {
        const KernelSet& kernels = *isa.kernels;
        if (!names.empty() && std::find(names.begin(), names.end(), kernels.name) == names.end()) continue;
        if (!isa.supported) {
            std::printf("%s: skipped, this processor does not support it\n", kernels.name);
            continue;
        }
        comparisons = 0;
        test_preactivations(kernels);
        test_activations(kernels);
        test_choose(kernels);
        test_update(kernels);
        test_random_words(kernels);
        test_masked_popcounts(kernels);
        test_count_nearest(kernels);
        test_peak(kernels);
        std::printf("%s: %llu comparisons agree\n", kernels.name, static_cast<unsigned long long>(comparisons));
        ++n_ran;
    }
    if (n_ran < names.size()) {
        std::printf("%zu of %zu did not run: not compiled in, or this processor does not support it\n",
                    names.size() - n_ran, names.size());
        return 1;
    }
    return 0;
}
