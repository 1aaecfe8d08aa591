// Words of a code book: what the patches of an image look like, as words that were found in other images.
//
// A patch, a square of pixels, is described by bits: comparisons of its own pixels, so that its place does not matter.
// Words are such descriptions, of which each stands for those that are nearest to it (Hamming distance). An image is
// told by how often each word is among the nearest in each cell of a grid. Everything is a comparison, a popcount or a
// count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bits.hpp"
#include "kernels/kernels.hpp"

namespace bitlocal {

// What patches are, and the images that they are cut from: rows of pixels of one channel, or of red, green and blue.
struct Patches {
    static constexpr std::size_t kLargestSide = 16;

    std::size_t height;
    std::size_t width;
    std::size_t channels;  // 1 or 3
    std::size_t side;      // of a patch; from 2 to kLargestSide, and not larger than the image
    std::int32_t margin;   // what counts as brighter, from 0 to 2^16

    std::size_t rows() const { return height - side + 1; }
    std::size_t columns() const { return width - side + 1; }
    std::size_t n() const { return rows() * columns(); }
    std::size_t n_pixels() const { return height * width * channels; }

    // Differences beyond this are seen between neighbours: 12 where the margin is 15, as it is for bytes.
    std::int32_t edge() const { return 4 * margin / 5; }
    // Patches whose brightest and darkest pixel differ by less are flat, and say nothing: 20 where the margin is 15.
    std::int32_t flat() const { return margin == 0 ? 1 : 4 * margin / 3; }

    // Of a description, in this order, each pixel by pixel, row by row:
    // - brightness above the patch's mean; above the mean plus the margin; above the mean less the margin;
    // - the right neighbour brighter by more than edge(); darker by as much; likewise the neighbour below;
    // - in colour, two differences of colours: each above its mean plus the margin; above its mean less the margin.
    std::size_t n_bits() const {
        return 3 * side * side + 4 * side * (side - 1) + (channels == 3 ? 4 * side * side : 0);
    }
};

// Descriptions of at most n_wanted patches, one row of words_for(n_bits()) words after the other. Word 2 i of the
// stream (seed, encoder, layer) chooses an image and word 2 i + 1 a place in it; flat ones are left out, and after
// 16 n_wanted choices it is enough. Value is uint8 or int16; n_images is below 2^32.
template <class Value>
std::vector<Word> sample_patches(const Value* images, std::size_t n_images, const Patches& patches, std::uint64_t seed,
                                 std::uint32_t layer, std::size_t n_wanted);

// Words for samples of n_bits bits, by k-majority clustering: n_words rows of words_for(n_bits) words.
// The first words are the first samples that differ from each other, over again if there are not enough. In each round
// samples go to their nearest word, the first of equals; each bit of a word becomes that of most of its samples, and
// stays in a tie; then words that have no samples become those that are farthest from their word, the first of equals.
std::vector<Word> find_words(const RuleKernels& kernels, const Word* samples, std::size_t n_samples, std::size_t n_bits,
                             std::size_t n_words, std::size_t n_rounds);

// A code book at work.
class WordBook {
  public:
    // n_words rows of words_for(patches.n_bits()) words.
    //   n_nearest  of the words that a patch is seen as; the first of equals. From 1 to n_words
    //   grid       the places of patches are cut into grid x grid cells; at most as many as there are places
    WordBook(const Patches& patches, const Word* words, std::size_t n_words, std::size_t n_nearest, std::size_t grid);

    const Patches patches;
    const std::size_t n_nearest, grid;

    // The words as kernels take them, with some bits flipped, which changes no distance: those that most words have on,
    // since bits that are on take time.
    SlicedWords sliced() const { return {off_.data(), on_.data(), n_words_, patches.n_bits(), n_planes_}; }
    const std::vector<Word>& flips() const { return flips_; }

    static constexpr std::size_t kMostWords = 8192;
    static constexpr std::size_t kMostPatchesInCell = UINT16_MAX;

    std::size_t n_counts() const { return grid * grid * n_words_; }

  private:
    const std::size_t n_words_, n_planes_;
    std::vector<Word> flips_, off_, on_;
};

// counts[(cell * n_words) + word] of each image: patches in the cell that are seen as this word; those that are flat
// are not seen. The place (y, x) of a patch is in row y * grid / rows() and column x * grid / columns() of the cells.
template <class Value>
void count_words(const EncodeKernels& kernels, const Value* images, std::size_t n_images, const WordBook& book,
                 std::int32_t* counts);

}  // namespace bitlocal
