// The bit-layout contract that every kernel, exporter and file relies on.
//
// - A bit 1 stands for +1, a bit 0 for -1.
// - Bit k of a row is bit k % 64 of word k / 64 (least significant first).
// - Padding bits, between the last bit of a row and the end of its last word, are always zero in stored data.
//   Since inputs and weights are both padded with zeros, their xor is zero there and a popcount needs no mask.
//
// The functions are static: a file that is compiled for an instruction set must not share them with others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bitlocal {

using Word = std::uint64_t;
inline constexpr std::size_t kWordBits = 64;

// Words needed for `bits` bits.
static constexpr std::size_t words_for(std::size_t bits) {
    return (bits + kWordBits - 1) / kWordBits;
}

// The bits of word `word` that belong to a row of `bits` bits; the others are padding.
static constexpr Word word_mask(std::size_t bits, std::size_t word) {
    const std::size_t left = bits - word * kWordBits;
    return left >= kWordBits ? ~Word{0} : (Word{1} << left) - 1;
}

static constexpr bool get_bit(const Word* row, std::size_t k) {
    return (row[k / kWordBits] >> (k % kWordBits)) & 1;
}

// Rows of bits, one after the other: samples, activations, local classifiers.
class BitMatrix {
  public:
    BitMatrix() = default;
    BitMatrix(std::size_t rows, std::size_t bits) : n_words_(words_for(bits)), words_(rows * n_words_) {}

    std::size_t n_rows() const { return n_words_ == 0 ? 0 : words_.size() / n_words_; }
    std::size_t n_words() const { return n_words_; }
    Word* row(std::size_t r) { return words_.data() + r * n_words_; }
    const Word* row(std::size_t r) const { return words_.data() + r * n_words_; }

  private:
    std::size_t n_words_ = 0;
    std::vector<Word> words_;
};

// Binary weights, interleaved for the forward kernels: neurons come in blocks of kLanes, and a block holds word 0 of
// its kLanes neurons, then word 1 of each, and so on. One vector register then covers the same word of several
// neurons, and each lane ends up with the sum of its own neuron: no horizontal additions.
inline constexpr std::size_t kLanes = 8;

static constexpr std::size_t blocks_for(std::size_t neurons) {
    return (neurons + kLanes - 1) / kLanes;
}

class WeightBlocks {
  public:
    WeightBlocks() = default;
    WeightBlocks(std::size_t neurons, std::size_t inputs)
        : n_blocks_(blocks_for(neurons)), n_words_(words_for(inputs)), words_(n_blocks_ * n_words_ * kLanes) {}

    std::size_t n_blocks() const { return n_blocks_; }
    std::size_t n_words() const { return n_words_; }
    const Word* data() const { return words_.data(); }
    // Word 0 of neuron k; its following words lie kLanes apart.
    Word* neuron(std::size_t k) { return words_.data() + offset(k); }
    const Word* neuron(std::size_t k) const { return words_.data() + offset(k); }

    // A neuron's words, one after the other, from and to a row of n_words().
    void get(std::size_t k, Word* row) const {
        for (std::size_t w = 0; w < n_words_; ++w) row[w] = neuron(k)[w * kLanes];
    }
    void set(std::size_t k, const Word* row) {
        for (std::size_t w = 0; w < n_words_; ++w) neuron(k)[w * kLanes] = row[w];
    }

  private:
    std::size_t offset(std::size_t k) const { return (k / kLanes) * n_words_ * kLanes + k % kLanes; }

    std::size_t n_blocks_ = 0;
    std::size_t n_words_ = 0;
    std::vector<Word> words_;
};

}  // namespace bitlocal
