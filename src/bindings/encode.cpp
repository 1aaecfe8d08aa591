// From numbers to packed bits.
#include "encode.hpp"

#include <algorithm>
#include <cstdlib>

#include "checks.hpp"
#include "kernels/dispatch.hpp"
#include "pack.hpp"

namespace bindings {
namespace {

using namespace nb::literals;
using bitlocal::BitRows;

Output<Word, 2> pack(const Input<bool, 2>& bits) {
    const std::size_t n_words = bitlocal::words_for(bits.shape(1));
    std::vector<Word> words(bits.shape(0) * n_words);
    {
        nb::gil_scoped_release released;
        for (std::size_t r = 0; r < bits.shape(0); ++r)
            bitlocal::pack_row(reinterpret_cast<const std::uint8_t*>(bits.data()) + r * bits.shape(1), bits.shape(1),
                               words.data() + r * n_words);
    }
    return to_numpy(std::move(words), bits.shape(0), n_words);
}

// Rows of words that an encoder writes into.
using Target = nb::ndarray<Word, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

BitRows bit_rows(const Target& words, std::size_t first_bit, std::size_t n_rows, std::size_t n_bits) {
    require(words.shape(0) == n_rows, "words: expected a row for each sample");
    const std::size_t room = words.shape(1) * bitlocal::kWordBits;
    require(first_bit <= room && n_bits <= room - first_bit, "words: there is no room for these bits");
    return {words.data(), n_rows, words.shape(1), first_bit};
}

// Offsets into an array of n_items, one more than there are owners of items: from 0, never falling, to n_items.
void require_offsets(const Input<std::uint32_t, 1>& first, std::size_t n_items, const char* what) {
    require(first.shape(0) >= 1 && first.data()[0] == 0 && first.data()[first.shape(0) - 1] == n_items &&
                std::is_sorted(first.data(), first.data() + first.shape(0)),
            std::string(what) + ": expected ascending offsets from 0 to the number of items");
}

void require_columns(const Input<std::uint32_t, 1>& columns, std::size_t n_columns) {
    require(std::all_of(columns.data(), columns.data() + columns.shape(0),
                        [n_columns](std::uint32_t c) { return c < n_columns; }),
            "expected numbers of columns");
}

template <class Value>
void encode_columns(const Input<Value, 2>& x, const Input<std::uint32_t, 1>& columns,
                    const Input<std::uint32_t, 1>& first_threshold, const Input<std::uint8_t, 1>& missing,
                    const Input<Value, 1>& thresholds, const Target& words, std::size_t first_bit) {
    const std::size_t n_codes = columns.shape(0);
    require(first_threshold.shape(0) == n_codes + 1 && missing.shape(0) == n_codes,
            "expected a number of thresholds and a flag for each column");
    require_offsets(first_threshold, thresholds.shape(0), "first_threshold");
    require_columns(columns, x.shape(1));
    std::size_t n_bits = thresholds.shape(0);
    for (std::size_t i = 0; i < n_codes; ++i) {
        require(missing.data()[i] <= 1, "missing: expected 0 or 1");
        n_bits += missing.data()[i];
    }
    const BitRows out = bit_rows(words, first_bit, x.shape(0), n_bits);
    const bitlocal::ColumnCodes<Value> codes{columns.data(), first_threshold.data(), missing.data(), n_codes,
                                             thresholds.data()};
    nb::gil_scoped_release released;
    bitlocal::encode_columns(x.data(), x.shape(1), codes, out);
}

template <class Value>
void encode_differences(const Input<Value, 2>& x, const Input<std::uint32_t, 1>& first,
                        const Input<std::uint32_t, 1>& second, std::int32_t margin, const Target& words,
                        std::size_t first_bit) {
    require(first.shape(0) == second.shape(0), "expected pairs of columns");
    require_columns(first, x.shape(1));
    require_columns(second, x.shape(1));
    const BitRows out = bit_rows(words, first_bit, x.shape(0), first.shape(0));
    nb::gil_scoped_release released;
    bitlocal::encode_differences(x.data(), x.shape(1), first.data(), second.data(), first.shape(0), margin, out);
}

template <class Value>
Output<std::int32_t, 2> weighted_sums(const Input<Value, 2>& x, const Input<std::uint32_t, 1>& first_term,
                                      const Input<std::uint32_t, 1>& columns, const Input<std::int16_t, 1>& weights) {
    require(weights.shape(0) == columns.shape(0), "expected a weight for each term");
    require_offsets(first_term, columns.shape(0), "first_term");
    require_columns(columns, x.shape(1));
    const std::size_t n_sums = first_term.shape(0) - 1;
    for (std::size_t i = 0; i < n_sums; ++i) {
        std::int64_t total = 0;  // of absolute weights; |x| is at most 2^15
        for (std::size_t t = first_term.data()[i]; t < first_term.data()[i + 1]; ++t)
            total += std::abs(std::int32_t{weights.data()[t]});
        require(total < 1 << 16, "weights: a sum could leave 32 bits");
    }
    std::vector<std::int32_t> sums(x.shape(0) * n_sums);
    {
        nb::gil_scoped_release released;
        bitlocal::weighted_sums(x.data(), x.shape(0), x.shape(1), first_term.data(), columns.data(), weights.data(),
                                n_sums, sums.data());
    }
    return to_numpy(std::move(sums), x.shape(0), n_sums);
}

Output<std::int32_t, 2> signed_ranks(const Input<std::int32_t, 2>& numbers, const Input<std::uint32_t, 1>& first,
                                     std::size_t n_levels) {
    require_offsets(first, numbers.shape(1), "first");
    require(n_levels >= 1 && n_levels < 1 << 15, "n_levels: expected 1 to 2^15 - 1");
    require(std::all_of(numbers.data(), numbers.data() + numbers.size(), [](std::int32_t m) { return m > INT32_MIN; }),
            "numbers: expected more than -2^31");
    std::vector<std::int32_t> ranks(numbers.size());
    {
        nb::gil_scoped_release released;
        bitlocal::signed_ranks(numbers.data(), numbers.shape(0), first.data(), first.shape(0) - 1, n_levels,
                               ranks.data());
    }
    return to_numpy(std::move(ranks), numbers.shape(0), numbers.shape(1));
}

Output<std::int32_t, 2> masked_popcounts(const Input<Word, 2>& rows, const Input<std::uint32_t, 1>& first_term,
                                         const Input<std::uint32_t, 1>& words, const Input<Word, 1>& masks,
                                         const Input<Word, 1>& flips) {
    require(masks.shape(0) == words.shape(0) && flips.shape(0) == words.shape(0),
            "expected a mask and a flip for each term");
    require_offsets(first_term, words.shape(0), "first_term");
    require_columns(words, rows.shape(1));
    const std::size_t n_counts = first_term.shape(0) - 1;
    std::vector<std::int32_t> counts(rows.shape(0) * n_counts);
    {
        nb::gil_scoped_release released;
        const auto count = bitlocal::kernels().encode.masked_popcounts;
        for (std::size_t r = 0; r < rows.shape(0); ++r)
            count(rows.data() + r * rows.shape(1), first_term.data(), words.data(), masks.data(), flips.data(),
                  n_counts, counts.data() + r * n_counts);
    }
    return to_numpy(std::move(counts), rows.shape(0), n_counts);
}

void place_bits(const Input<Word, 2>& rows, std::size_t n_bits, const Target& words, std::size_t first_bit) {
    require(rows.shape(1) == bitlocal::words_for(n_bits), "rows: expected words for n_bits bits");
    const BitRows out = bit_rows(words, first_bit, rows.shape(0), n_bits);
    nb::gil_scoped_release released;
    bitlocal::place_bits(rows.data(), n_bits, out);
}

}  // namespace

void add_encoding(nb::module_& m) {
    m.def("pack", &pack, "bits"_a, "Pack rows of booleans into uint64 words, least significant bit first.");
    const auto def_encode_columns = [&m]<class Value>(Value) {
        m.def("encode_columns", &encode_columns<Value>, "x"_a.noconvert(), "columns"_a, "first_threshold"_a,
              "missing"_a, "thresholds"_a, "words"_a.noconvert(), "first_bit"_a,
              "Write thermometer codes of columns into words whose bits are zero there.");
    };
    def_encode_columns(std::uint8_t{});
    def_encode_columns(std::int32_t{});
    def_encode_columns(float{});
    def_encode_columns(double{});
    const auto def_encode_differences = [&m]<class Value>(Value) {
        m.def("encode_differences", &encode_differences<Value>, "x"_a.noconvert(), "first"_a, "second"_a, "margin"_a,
              "words"_a.noconvert(), "first_bit"_a,
              "Write whether columns lie above others by more than a margin into words whose bits are zero there.");
    };
    def_encode_differences(std::uint8_t{});
    def_encode_differences(std::int16_t{});
    const char* sums_doc = "Weighted sums of columns: int32, (rows, sums).";
    m.def("weighted_sums", &weighted_sums<std::uint8_t>, "x"_a.noconvert(), "first_term"_a, "columns"_a, "weights"_a,
          sums_doc);
    m.def("weighted_sums", &weighted_sums<std::int16_t>, "x"_a.noconvert(), "first_term"_a, "columns"_a, "weights"_a,
          sums_doc);
    m.def("signed_ranks", &signed_ranks, "numbers"_a.noconvert(), "first"_a, "n_levels"_a,
          "Ranks of numbers among those of their own sign in groups of columns: int32, (rows, columns).");
    m.def("masked_popcounts", &masked_popcounts, "rows"_a.noconvert(), "first_term"_a, "words"_a, "masks"_a, "flips"_a,
          "Counts of the bits in (row[word] ^ flip) & mask: int32, (rows, counts).");
    m.def("place_bits", &place_bits, "rows"_a, "n_bits"_a, "words"_a.noconvert(), "first_bit"_a,
          "Write packed rows of bits into words whose bits are zero there.");
}

}  // namespace bindings
