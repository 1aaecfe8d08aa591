// Words of a code book: found in patches of images, and counted in images.
#include "words.hpp"

#include "checks.hpp"
#include "kernels/dispatch.hpp"

namespace bindings {
namespace {

using namespace nb::literals;
using bitlocal::Patches;
using bitlocal::WordBook;

void make_patches(Patches* patches, std::size_t height, std::size_t width, std::size_t channels, std::size_t side,
                  std::int32_t margin) {
    require(channels == 1 || channels == 3, "channels: expected 1 or 3");
    require(height < 1 << 16 && width < 1 << 16, "expected images of fewer than 2^16 rows and columns");
    require(side >= 2 && side <= Patches::kLargestSide && side <= height && side <= width,
            "side: expected 2 to 16, and no more than the image has");
    require(margin >= 0 && margin <= 1 << 16, "margin: expected 0 to 2^16");
    new (patches) Patches{height, width, channels, side, margin};
}

template <class Value>
void require_images(const Input<Value, 2>& images, const Patches& patches) {
    require(images.shape(1) == patches.n_pixels(), "images: expected rows of height * width * channels pixels");
}

template <class Value>
Output<Word, 2> sample_patches(const Patches& patches, const Input<Value, 2>& images, std::uint64_t seed,
                               std::uint32_t layer, std::size_t n) {
    require_images(images, patches);
    require(images.shape(0) >= 1 && images.shape(0) <= UINT32_MAX, "images: expected 1 to 2^32 - 1");
    require(layer < 1u << 24 && n <= 1u << 24, "expected layer < 2^24 and n <= 2^24");
    std::vector<Word> rows;
    {
        nb::gil_scoped_release released;
        rows = bitlocal::sample_patches(images.data(), images.shape(0), patches, seed, layer, n);
    }
    const std::size_t width = bitlocal::words_for(patches.n_bits());
    const std::size_t n_found = rows.size() / width;
    return to_numpy(std::move(rows), n_found, width);
}

Output<Word, 2> find_words(const Input<Word, 2>& samples, std::size_t n_bits, std::size_t n_words,
                           std::size_t n_rounds) {
    require_samples(n_bits, samples);
    require(n_bits >= 1 && n_bits < 1 << 15, "n_bits: expected 1 to 2^15 - 1");
    require(n_words >= 1 && n_words <= WordBook::kMostWords, "n_words: expected 1 to 8192");
    require(samples.shape(0) <= UINT32_MAX, "samples: expected fewer than 2^32");
    std::vector<Word> words;
    {
        nb::gil_scoped_release released;
        words =
            bitlocal::find_words(bitlocal::kernels().rule, samples.data(), samples.shape(0), n_bits, n_words, n_rounds);
    }
    return to_numpy(std::move(words), n_words, bitlocal::words_for(n_bits));
}

template <class Value>
Output<std::int32_t, 2> count_words(const Patches& patches, const Input<Value, 2>& images, const Input<Word, 2>& words,
                                    std::size_t n_nearest, std::size_t grid) {
    require_images(images, patches);
    require_samples(patches.n_bits(), words);
    const std::size_t n_words = words.shape(0);
    require(n_words >= 1 && n_words <= WordBook::kMostWords, "words: expected 1 to 8192");
    require(n_nearest >= 1 && n_nearest <= n_words, "n_nearest: expected 1 to the number of words");
    require(grid >= 1 && grid <= patches.rows() && grid <= patches.columns(),
            "grid: expected 1 to the number of places of patches in a row or column");
    require((patches.rows() / grid + 1) * (patches.columns() / grid + 1) <= WordBook::kMostPatchesInCell,
            "images: expected fewer than 2^16 patches in a cell");
    for (std::size_t m = 0; m < n_words; ++m)
        for (std::size_t w = 0; w < words.shape(1); ++w)
            require((words.data()[m * words.shape(1) + w] & ~bitlocal::word_mask(patches.n_bits(), w)) == 0,
                    "words: expected zeros after n_bits");
    const WordBook book(patches, words.data(), n_words, n_nearest, grid);
    std::vector<std::int32_t> counts(images.shape(0) * book.n_counts());
    {
        nb::gil_scoped_release released;
        bitlocal::count_words(bitlocal::kernels().encode, images.data(), images.shape(0), book, counts.data());
    }
    return to_numpy(std::move(counts), images.shape(0), book.n_counts());
}

template <class Value>
void add_for(nb::class_<Patches>& patches) {
    patches.def("sample", &sample_patches<Value>, "images"_a.noconvert(), "seed"_a, "layer"_a, "n"_a,
                "Packed descriptions of at most n patches that were drawn: uint64, (found, words).");
    patches.def("count_words", &count_words<Value>, "images"_a.noconvert(), "words"_a.noconvert(), "n_nearest"_a,
                "grid"_a, "How often each word is seen in each cell: int32, (images, cells * words).");
}

}  // namespace

void add_words(nb::module_& m) {
    nb::class_<Patches> patches(m, "Patches", "What patches of images are, and the bits that describe them.");
    patches.def("__init__", &make_patches, "height"_a, "width"_a, "channels"_a, "side"_a, "margin"_a);
    patches.def_prop_ro("n_bits", &Patches::n_bits, "Bits of a description.");
    add_for<std::uint8_t>(patches);
    add_for<std::int16_t>(patches);
    m.def("find_words", &find_words, "samples"_a.noconvert(), "n_bits"_a, "n_words"_a, "n_rounds"_a,
          "Packed words by k-majority clustering of packed samples.");
}

}  // namespace bindings
