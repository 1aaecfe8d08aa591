#include "encode.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "pack.hpp"

namespace bitlocal {
namespace {

// An integer for each number, in the same order: -0 like +0, and NaN below everything.
inline std::int32_t key(std::uint8_t x) {
    return x;
}
inline std::int32_t key(std::int32_t x) {
    return x;
}
template <class Float>
inline auto key(Float x) {
    using Key = std::conditional_t<sizeof(Float) == 4, std::int32_t, std::int64_t>;
    constexpr Key kLowest = std::numeric_limits<Key>::min();
    constexpr Key kInfinity = sizeof(Float) == 4 ? Key{0x7F800000} : static_cast<Key>(0x7FF0000000000000);
    Key pattern;
    std::memcpy(&pattern, &x, sizeof pattern);
    const Key magnitude = pattern & std::numeric_limits<Key>::max();
    if (magnitude > kInfinity) return kLowest;
    return pattern < 0 ? -magnitude : pattern;
}

// How many of n ascending thresholds a key lies above.
template <class Key>
inline std::size_t rank(Key k, const Key* thresholds, std::size_t n) {
    std::size_t above = 0;
    if (n <= 16) {
        for (std::size_t i = 0; i < n; ++i) above += k > thresholds[i];
        return above;
    }
    for (std::size_t step = std::bit_floor(n); step > 0; step /= 2)
        if (above + step <= n && k > thresholds[above + step - 1]) above += step;
    return above;
}

// Bytes have few values: with many rows, what each comes to is worked out once.
constexpr std::size_t kByteValues = 256;
constexpr std::size_t kRowsWorthATable = 256;

template <class Rank>
void encode_bytes(const std::uint8_t* x, std::size_t n_columns, const ColumnCodes<std::uint8_t>& codes,
                  const BitRows& out) {
    std::vector<Rank> ranks(codes.n_codes * kByteValues);
    for (std::size_t i = 0; i < codes.n_codes; ++i) {
        const std::uint8_t* first = codes.thresholds + codes.first_threshold[i];
        const std::uint8_t* last = codes.thresholds + codes.first_threshold[i + 1];
        for (std::size_t value = 0; value < kByteValues; ++value)
            ranks[i * kByteValues + value] =
                static_cast<Rank>(std::lower_bound(first, last, static_cast<std::uint8_t>(value)) - first);
    }
    for (std::size_t r = 0; r < out.n_rows; ++r) {
        const std::uint8_t* sample = x + r * n_columns;
        BitWriter row(out.words + r * out.n_words, out.first_bit);
        for (std::size_t i = 0; i < codes.n_codes; ++i)
            row.thermometer(ranks[i * kByteValues + sample[codes.columns[i]]],
                            codes.first_threshold[i + 1] - codes.first_threshold[i] + codes.missing[i]);
    }
}

// Whether every code is a single bit, a comparison.
template <class Value>
bool all_single(const ColumnCodes<Value>& codes) {
    for (std::size_t i = 0; i < codes.n_codes; ++i)
        if (codes.missing[i] || codes.first_threshold[i + 1] - codes.first_threshold[i] != 1) return false;
    return true;
}

template <class Value, class Key>
void encode_single(const Value* sample, const std::uint32_t* columns, const Key* thresholds, std::size_t n,
                   BitWriter&& row) {
    constexpr std::size_t kAtATime = 32;
    for (std::size_t i = 0; i < n; i += kAtATime) {
        const std::size_t width = std::min(kAtATime, n - i);
        Word code = 0;
        for (std::size_t k = 0; k < width; ++k) code |= Word{key(sample[columns[i + k]]) > thresholds[i + k]} << k;
        row.put(code, width);
    }
}

}  // namespace

template <class Value>
void encode_columns(const Value* x, std::size_t n_columns, const ColumnCodes<Value>& codes, const BitRows& out) {
    if constexpr (std::is_same_v<Value, std::uint8_t>) {
        if (out.n_rows >= kRowsWorthATable) {
            // A small table stays in the cache. Thresholds that repeat could make more than 255.
            std::uint32_t most = 0;
            for (std::size_t i = 0; i < codes.n_codes; ++i)
                most = std::max(most, codes.first_threshold[i + 1] - codes.first_threshold[i]);
            const auto encode = most <= UINT8_MAX ? encode_bytes<std::uint8_t> : encode_bytes<std::uint32_t>;
            return encode(x, n_columns, codes, out);
        }
    }
    using Key = decltype(key(Value{}));
    std::vector<Key> thresholds(codes.first_threshold[codes.n_codes]);
    for (std::size_t t = 0; t < thresholds.size(); ++t) thresholds[t] = key(codes.thresholds[t]);
    if (all_single(codes)) {
        for (std::size_t r = 0; r < out.n_rows; ++r)
            encode_single(x + r * n_columns, codes.columns, thresholds.data(), codes.n_codes,
                          BitWriter(out.words + r * out.n_words, out.first_bit));
        return;
    }
    for (std::size_t r = 0; r < out.n_rows; ++r) {
        const Value* sample = x + r * n_columns;
        BitWriter row(out.words + r * out.n_words, out.first_bit);
        for (std::size_t i = 0; i < codes.n_codes; ++i) {
            const Key k = key(sample[codes.columns[i]]);
            const std::size_t n = codes.first_threshold[i + 1] - codes.first_threshold[i];
            row.thermometer(rank(k, thresholds.data() + codes.first_threshold[i], n), n);
            if (codes.missing[i])
                row.thermometer(!std::is_integral_v<Value> && k == std::numeric_limits<Key>::min(), 1);
        }
    }
}

template void encode_columns(const std::uint8_t*, std::size_t, const ColumnCodes<std::uint8_t>&, const BitRows&);
template void encode_columns(const std::int32_t*, std::size_t, const ColumnCodes<std::int32_t>&, const BitRows&);
template void encode_columns(const float*, std::size_t, const ColumnCodes<float>&, const BitRows&);
template void encode_columns(const double*, std::size_t, const ColumnCodes<double>&, const BitRows&);

template <class Value>
void encode_differences(const Value* x, std::size_t n_columns, const std::uint32_t* first, const std::uint32_t* second,
                        std::size_t n_pairs, std::int32_t margin, const BitRows& out) {
    std::vector<std::size_t> starts;  // of runs of pairs that follow each other
    for (std::size_t i = 0; i < n_pairs; ++i)
        if (i == 0 || first[i] != first[i - 1] + 1 || second[i] != second[i - 1] + 1) starts.push_back(i);
    starts.push_back(n_pairs);
    std::vector<std::uint8_t> above(n_pairs + sizeof(Word));
    for (std::size_t r = 0; r < out.n_rows; ++r) {
        const Value* sample = x + r * n_columns;
        for (std::size_t run = 0; run + 1 < starts.size(); ++run) {
            const Value* a = sample + first[starts[run]];
            const Value* b = sample + second[starts[run]];
            std::uint8_t* flags = above.data() + starts[run];
            const std::size_t length = starts[run + 1] - starts[run];
            for (std::size_t k = 0; k < length; ++k) flags[k] = std::int32_t{a[k]} - std::int32_t{b[k]} > margin;
        }
        BitWriter row(out.words + r * out.n_words, out.first_bit);
        for (std::size_t i = 0; i < n_pairs; i += 8) {
            Word code = 0;
            for (std::size_t k = 0; k < 8; ++k) code |= Word{above[i + k]} << k;
            row.put(code, std::min<std::size_t>(8, n_pairs - i));
        }
    }
}

template void encode_differences(const std::uint8_t*, std::size_t, const std::uint32_t*, const std::uint32_t*,
                                 std::size_t, std::int32_t, const BitRows&);
template void encode_differences(const std::int16_t*, std::size_t, const std::uint32_t*, const std::uint32_t*,
                                 std::size_t, std::int32_t, const BitRows&);

template <class Value>
void weighted_sums(const Value* x, std::size_t n_rows, std::size_t n_columns, const std::uint32_t* first_term,
                   const std::uint32_t* columns, const std::int16_t* weights, std::size_t n_sums, std::int32_t* sums) {
    for (std::size_t r = 0; r < n_rows; ++r, x += n_columns, sums += n_sums)
        for (std::size_t i = 0; i < n_sums; ++i) {
            std::int32_t sum = 0;
            for (std::size_t t = first_term[i]; t < first_term[i + 1]; ++t)
                sum += std::int32_t{weights[t]} * std::int32_t{x[columns[t]]};
            sums[i] = sum;
        }
}

template void weighted_sums(const std::uint8_t*, std::size_t, std::size_t, const std::uint32_t*, const std::uint32_t*,
                            const std::int16_t*, std::size_t, std::int32_t*);
template void weighted_sums(const std::int16_t*, std::size_t, std::size_t, const std::uint32_t*, const std::uint32_t*,
                            const std::int16_t*, std::size_t, std::int32_t*);

namespace {

// Adds `sign` to the ranks of the numbers of that sign, then once more for each of the levels 1 to n_levels - 1 that
// they exceed. Level j is the smallest limit that at least j / n_levels of these numbers do not exceed.
void add_ranks(const std::int32_t* numbers, std::size_t n_numbers, std::int32_t sign, std::size_t n_levels,
               std::vector<std::int32_t>& ordered, std::int32_t* ranks) {
    ordered.clear();
    for (std::size_t i = 0; i < n_numbers; ++i)
        if (sign * numbers[i] > 0) ordered.push_back(sign * numbers[i]);
    auto from = ordered.begin();  // what is before is in its place among the others
    for (std::size_t level = 0; level < n_levels && !ordered.empty(); ++level) {
        std::int32_t limit = 0;
        if (level > 0) {
            const std::size_t share = (level * ordered.size() + n_levels - 1) / n_levels;
            const auto last = ordered.begin() + static_cast<std::ptrdiff_t>(share - 1);
            std::nth_element(from, last, ordered.end());
            from = last;
            limit = *last;
        }
        for (std::size_t i = 0; i < n_numbers; ++i) ranks[i] += sign * (sign * numbers[i] > limit);
    }
}

}  // namespace

void signed_ranks(const std::int32_t* numbers, std::size_t n_rows, const std::uint32_t* first, std::size_t n_groups,
                  std::size_t n_levels, std::int32_t* ranks) {
    const std::size_t n_numbers = first[n_groups];
    std::vector<std::int32_t> ordered;
    std::fill_n(ranks, n_rows * n_numbers, 0);
    for (std::size_t r = 0; r < n_rows; ++r, numbers += n_numbers, ranks += n_numbers)
        for (std::size_t g = 0; g < n_groups; ++g)
            for (const std::int32_t sign : {1, -1})
                add_ranks(numbers + first[g], first[g + 1] - first[g], sign, n_levels, ordered, ranks + first[g]);
}

void place_bits(const Word* rows, std::size_t n_bits, const BitRows& out) {
    const std::size_t n_words = words_for(n_bits);
    const std::size_t skipped = out.first_bit / kWordBits, offset = out.first_bit % kWordBits;
    for (std::size_t r = 0; r < out.n_rows; ++r) {
        const Word* from = rows + r * n_words;
        Word* to = out.words + r * out.n_words + skipped;
        for (std::size_t w = 0; w < n_words; ++w) {
            to[w] |= from[w] << offset;
            if (offset != 0 && skipped + w + 1 < out.n_words) to[w + 1] |= from[w] >> (kWordBits - offset);
        }
    }
}

}  // namespace bitlocal
