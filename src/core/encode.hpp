// From numbers to bits, by comparison alone. A bit tells whether a feature, or an integer-weighted sum of features,
// lies above a threshold; the bits of one feature or sum, its thresholds ascending, are a thermometer code: ones, then
// zeros.
//
// Floating-point features are compared through their bit patterns, as integers, so nothing here is floating-point
// arithmetic and every machine gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bits.hpp"

namespace bitlocal {

// Where bits go: rows of n_words words, in which bit first_bit and those after it are still zero.
struct BitRows {
    Word* words;
    std::size_t n_rows;
    std::size_t n_words;
    std::size_t first_bit;
};

// Thermometer codes of single features. Code i has its first_threshold[i + 1] - first_threshold[i] bits, which say
// whether feature columns[i] lies above each of its thresholds, and one more if missing[i] is set, which says whether
// it is missing (NaN). A missing value lies above no threshold.
template <class Value>
struct ColumnCodes {
    const std::uint32_t* columns;
    const std::uint32_t* first_threshold;
    const std::uint8_t* missing;
    std::size_t n_codes;
    const Value* thresholds;
};

// x: n_rows rows of n_columns features. Value is uint8, int32, float or double.
template <class Value>
void encode_columns(const Value* x, std::size_t n_columns, const ColumnCodes<Value>& codes, const BitRows& out);

// One bit for each pair of features: whether the first lies above the second by more than a margin. Pairs that follow
// each other in both features, as those of neighbouring pixels do, are compared many at a time. Value is uint8 or
// int16.
template <class Value>
void encode_differences(const Value* x, std::size_t n_columns, const std::uint32_t* first, const std::uint32_t* second,
                        std::size_t n_pairs, std::int32_t margin, const BitRows& out);

// Sum i of a sample is that of weights[t] * x[columns[t]] for its terms t, from first_term[i] to before
// first_term[i + 1]. No partial sum may leave 32 bits. Value is uint8 or int16; n_sums integers for each row come out.
template <class Value>
void weighted_sums(const Value* x, std::size_t n_rows, std::size_t n_columns, const std::uint32_t* first_term,
                   const std::uint32_t* columns, const std::int16_t* weights, std::size_t n_sums, std::int32_t* sums);

// Ranks of numbers among those of their own sign, row by row and group by group: with n_levels N, a number m that has n
// numbers of its sign in its group, b of which are nearer to 0, becomes 1 + floor(N b / n), and the negative of that if
// it is negative; 0 stays 0. Group g is the numbers from first[g] to before first[g + 1]; they are above -2^31.
void signed_ranks(const std::int32_t* numbers, std::size_t n_rows, const std::uint32_t* first, std::size_t n_groups,
                  std::size_t n_levels, std::int32_t* ranks);

// Copies rows of n_bits bits to another place in a row.
void place_bits(const Word* rows, std::size_t n_bits, const BitRows& out);

}  // namespace bitlocal
