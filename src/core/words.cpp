#include "words.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "pack.hpp"
#include "random.hpp"

namespace bitlocal {
namespace {

constexpr std::size_t kLargestArea = Patches::kLargestSide * Patches::kLargestSide;

constexpr std::int32_t floor_divide(std::int32_t a, std::int32_t b) {
    return a / b - (a % b < 0);
}

// Eight bytes, each 0 or 1, into eight bits.
inline Word eight_flags(const std::uint8_t* flags) {
    if constexpr (std::endian::native == std::endian::little) {
        std::uint64_t bytes;
        std::memcpy(&bytes, flags, sizeof bytes);
        return (bytes * 0x0102040810204080u) >> 56;  // byte k comes to bit 56 + k; no two come to the same place
    }
    Word code = 0;
    for (std::size_t k = 0; k < 8; ++k) code |= Word{flags[k]} << k;
    return code;
}

// One image after the other, and the bits of its patches.
class PatchReader {
  public:
    explicit PatchReader(const Patches& patches)
        : patches_(patches),
          n_planes_(patches.channels),
          planes_(n_planes_ * patches.height * patches.width),
          edge_words_(words_for(patches.width) + 1),
          edges_(4 * patches.height * edge_words_),
          flags_(patches.width + sizeof(Word)) {}

    template <class Value>
    void read(const Value* image) {
        const std::size_t n = patches_.height * patches_.width;
        if (n_planes_ == 1) {
            std::copy_n(image, n, planes_.data());
        } else {
            std::int32_t *brightness = planes_.data(), *first = brightness + n, *second = first + n;
            for (std::size_t i = 0; i < n; ++i) {
                const std::int32_t red = image[3 * i], green = image[3 * i + 1], blue = image[3 * i + 2];
                brightness[i] = (red + 2 * green + blue) >> 2;
                first[i] = red - green;
                second[i] = ((red + green) >> 1) - blue;
            }
        }
        find_edges();
    }

    // Writes the description of a patch into a row that is zero, and tells whether it is worth it: not if it is flat.
    bool describe(std::size_t y, std::size_t x, Word* row) {
        return patches_.side == kUsualSide ? describe_as<kUsualSide>(y, x, row) : describe_as<0>(y, x, row);
    }

  private:
    static constexpr std::size_t kUsualSide = 6;

    // A side that the compiler knows, or 0 where it does not: loops of a known length take half as long.
    template <std::size_t kSide>
    bool describe_as(std::size_t y, std::size_t x, Word* row) {
        const std::size_t side = kSide > 0 ? kSide : patches_.side, area = side * side;
        gather<kSide>(planes_.data(), y, x);
        const auto [least, most] = range(area);
        if (most - least < patches_.flat()) return false;
        const std::int32_t margin = patches_.margin;
        BitWriter bits(row, 0);
        std::int32_t mean = mean_of(area);
        compare(area, mean, 0);
        compare(area, mean + margin, area);
        compare(area, mean - margin, 2 * area);
        put_flags(bits, 3 * area);
        for (std::size_t kind = 0; kind < 4; ++kind) {
            const std::size_t down = kind / 2;  // edges to the right, then those below
            for (std::size_t i = 0; i < side - down; ++i)
                bits.put(edge_bits(kind, y + i, x, side - 1 + down), side - 1 + down);
        }
        for (std::size_t plane = 1; plane < n_planes_; ++plane) {
            gather<kSide>(planes_.data() + plane * patches_.height * patches_.width, y, x);
            mean = mean_of(area);
            compare(area, mean + margin, 0);
            compare(area, mean - margin, area);
            put_flags(bits, 2 * area);
        }
        return true;
    }

    template <std::size_t kSide>
    void gather(const std::int32_t* plane, std::size_t y, std::size_t x) {
        const std::size_t side = kSide > 0 ? kSide : patches_.side;
        for (std::size_t i = 0; i < side; ++i)
            std::copy_n(plane + (y + i) * patches_.width + x, side, pixels_ + i * side);
    }

    struct Range {
        std::int32_t least, most;
    };
    Range range(std::size_t area) const {
        std::int32_t least = pixels_[0], most = pixels_[0];
        for (std::size_t i = 1; i < area; ++i) {
            least = std::min(least, pixels_[i]);
            most = std::max(most, pixels_[i]);
        }
        return {least, most};
    }

    // Rounded down, which does not change what lies above it: area * x > sum if x > floor(sum / area).
    std::int32_t mean_of(std::size_t area) const {
        return floor_divide(std::accumulate(pixels_, pixels_ + area, std::int32_t{0}), static_cast<std::int32_t>(area));
    }

    void compare(std::size_t area, std::int32_t with, std::size_t first) {
        std::uint8_t* above = above_ + first;
        for (std::size_t i = 0; i < area; ++i) above[i] = pixels_[i] > with;
    }

    void put_flags(BitWriter& bits, std::size_t n) const {
        std::size_t i = 0;
        for (; i + 8 <= n; i += 8) bits.put(eight_flags(above_ + i), 8);
        Word rest = 0;
        for (std::size_t k = 0; i + k < n; ++k) rest |= Word{above_[i + k]} << k;
        bits.put(rest, n % 8);
    }

    // Bits of the four kinds of edges, for all pixels of the image at once: patches cut theirs out.
    void find_edges() {
        const std::size_t height = patches_.height, width = patches_.width;
        for (std::size_t y = 0; y < height; ++y) {
            const std::int32_t* pixels = planes_.data() + y * width;
            find_edges(y, 0, pixels + 1, pixels, width - 1);
            if (y + 1 < height) find_edges(y, 2, pixels + width, pixels, width);
        }
    }
    void find_edges(std::size_t y, std::size_t kind, const std::int32_t* a, const std::int32_t* b, std::size_t n) {
        const std::int32_t edge = patches_.edge();
        for (std::size_t i = 0; i < n; ++i) flags_[i] = a[i] - b[i] > edge;
        pack_edges(y, kind, n);
        for (std::size_t i = 0; i < n; ++i) flags_[i] = b[i] - a[i] > edge;
        pack_edges(y, kind + 1, n);
    }
    void pack_edges(std::size_t y, std::size_t kind, std::size_t n) {
        Word* row = edges_.data() + (kind * patches_.height + y) * edge_words_;
        std::fill_n(row, edge_words_, Word{0});
        std::fill_n(flags_.data() + n, sizeof(Word), std::uint8_t{0});  // to whole bytes of flags
        for (std::size_t i = 0; i < n; i += 8) row[i / kWordBits] |= eight_flags(flags_.data() + i) << (i % kWordBits);
    }
    Word edge_bits(std::size_t kind, std::size_t y, std::size_t x, std::size_t n) const {
        const Word* row = edges_.data() + (kind * patches_.height + y) * edge_words_ + x / kWordBits;
        const std::size_t from = x % kWordBits;
        const Word bits = from == 0 ? row[0] : (row[0] >> from) | (row[1] << (kWordBits - from));
        return bits & ((Word{1} << n) - 1);
    }

    const Patches patches_;
    const std::size_t n_planes_;
    std::vector<std::int32_t> planes_;
    const std::size_t edge_words_;  // of a row of edges; one more than it fills, so that there is always a next one
    std::vector<Word> edges_;       // right brighter, right darker, below brighter, below darker
    std::vector<std::uint8_t> flags_;
    std::int32_t pixels_[kLargestArea];
    std::uint8_t above_[3 * kLargestArea];
};

// How much samples have in common with each word: z of the kernels, a tile of samples at a time.
class Similarities {
  public:
    static constexpr std::size_t kTile = 32;  // with 256 words they stay in the first-level cache

    Similarities(const RuleKernels& kernels, const WeightBlocks& words, std::size_t n_bits)
        : kernels_(kernels),
          words_(words),
          n_bits_(static_cast<std::int32_t>(n_bits)),
          z_(kTile * words.n_blocks() * kLanes) {}

    // Of n samples, kTile at most, whose rows follow each other.
    void find(const Word* samples, std::size_t n) {
        const Word* rows[kTile];
        for (std::size_t i = 0; i < n; ++i) rows[i] = samples + i * words_.n_words();
        kernels_.preactivations(words_.data(), words_.n_blocks(), words_.n_words(), n_bits_, rows, n, z_.data(),
                                stride());
    }
    const std::int32_t* of(std::size_t sample) const { return z_.data() + sample * stride(); }

  private:
    std::size_t stride() const { return words_.n_blocks() * kLanes; }

    const RuleKernels& kernels_;
    const WeightBlocks& words_;
    const std::int32_t n_bits_;
    std::vector<std::int32_t> z_;
};

// The first samples that differ from each other; over again if there are not enough of them.
void choose_words(const Word* samples, std::size_t n_samples, std::size_t width, WeightBlocks& words,
                  std::size_t n_words) {
    std::vector<const Word*> chosen;
    for (std::size_t i = 0; i < n_samples && chosen.size() < n_words; ++i) {
        const Word* sample = samples + i * width;
        if (std::none_of(chosen.begin(), chosen.end(),
                         [&](const Word* other) { return std::equal(sample, sample + width, other); }))
            chosen.push_back(sample);
    }
    for (std::size_t m = 0; m < n_words && !chosen.empty(); ++m) words.set(m, chosen[m % chosen.size()]);
}

// The nearest word of each sample, the first of equals, and how similar it is.
struct Assigned {
    std::vector<std::uint32_t> word;
    std::vector<std::int32_t> similarity;
};

void assign(const RuleKernels& kernels, const Word* samples, std::size_t n_bits, const WeightBlocks& words,
            std::size_t n_words, Assigned& out) {
    Similarities similarities(kernels, words, n_bits);
    const std::size_t n_samples = out.word.size();
    for (std::size_t first = 0; first < n_samples; first += Similarities::kTile) {
        const std::size_t n = std::min(Similarities::kTile, n_samples - first);
        similarities.find(samples + first * words.n_words(), n);
        for (std::size_t i = 0; i < n; ++i) {
            const std::int32_t* z = similarities.of(i);
            const std::int32_t* nearest = std::max_element(z, z + n_words);
            out.word[first + i] = static_cast<std::uint32_t>(nearest - z);
            out.similarity[first + i] = *nearest;
        }
    }
}

// One word by the majority of its samples; bits without one stay.
void take_majority(const std::int32_t* balance, std::size_t n_bits, Word* word) {
    for (std::size_t k = 0; k < n_bits; ++k) {
        const Word bit = Word{1} << (k % kWordBits);
        if (balance[k] > 0) word[k / kWordBits] |= bit;
        if (balance[k] < 0) word[k / kWordBits] &= ~bit;
    }
}

}  // namespace

template <class Value>
std::vector<Word> sample_patches(const Value* images, std::size_t n_images, const Patches& patches, std::uint64_t seed,
                                 std::uint32_t layer, std::size_t n_wanted) {
    Patches alone = patches;  // a patch as an image of its own: only its own pixels count
    alone.height = alone.width = patches.side;
    PatchReader reader(alone);
    const std::size_t line = patches.side * patches.channels, width = words_for(patches.n_bits());
    std::vector<Value> pixels(alone.n_pixels());
    std::vector<Word> found, row(width);
    RandomStream stream(seed, Purpose::kEncoder, layer, 0, 0);
    for (std::size_t draw = 0; draw < 16 * n_wanted && found.size() < n_wanted * width; ++draw) {
        const Value* image =
            images + scale_to(stream[2 * draw], static_cast<std::uint32_t>(n_images)) * patches.n_pixels();
        const std::size_t place = scale_to(stream[2 * draw + 1], static_cast<std::uint32_t>(patches.n()));
        const std::size_t y = place / patches.columns(), x = place % patches.columns();
        for (std::size_t i = 0; i < patches.side; ++i)
            std::copy_n(image + ((y + i) * patches.width + x) * patches.channels, line, pixels.data() + i * line);
        reader.read(pixels.data());
        std::fill(row.begin(), row.end(), Word{0});
        if (reader.describe(0, 0, row.data())) found.insert(found.end(), row.begin(), row.end());
    }
    return found;
}

template std::vector<Word> sample_patches(const std::uint8_t*, std::size_t, const Patches&, std::uint64_t,
                                          std::uint32_t, std::size_t);
template std::vector<Word> sample_patches(const std::int16_t*, std::size_t, const Patches&, std::uint64_t,
                                          std::uint32_t, std::size_t);

std::vector<Word> find_words(const RuleKernels& kernels, const Word* samples, std::size_t n_samples, std::size_t n_bits,
                             std::size_t n_words, std::size_t n_rounds) {
    const std::size_t width = words_for(n_bits);
    WeightBlocks words(n_words, n_bits);
    choose_words(samples, n_samples, width, words, n_words);
    Assigned assigned{std::vector<std::uint32_t>(n_samples), std::vector<std::int32_t>(n_samples)};
    std::vector<std::int32_t> balance(n_words * n_bits);  // ones less zeros of a word's samples, bit by bit
    std::vector<std::uint8_t> in_use(n_words);
    std::vector<std::uint32_t> order(n_samples);
    std::vector<Word> row(width);
    for (std::size_t round = 0; round < n_rounds; ++round) {
        assign(kernels, samples, n_bits, words, n_words, assigned);
        std::fill(balance.begin(), balance.end(), 0);
        std::fill(in_use.begin(), in_use.end(), std::uint8_t{0});
        for (std::size_t s = 0; s < n_samples; ++s) {
            const Word* sample = samples + s * width;
            std::int32_t* of_word = balance.data() + assigned.word[s] * n_bits;
            in_use[assigned.word[s]] = 1;
            for (std::size_t k = 0; k < n_bits; ++k) of_word[k] += get_bit(sample, k) ? 1 : -1;
        }
        // As many samples as there are words without any, the farthest first.
        const auto n_empty =
            std::min(n_samples, static_cast<std::size_t>(std::count(in_use.begin(), in_use.end(), std::uint8_t{0})));
        std::iota(order.begin(), order.end(), std::uint32_t{0});
        std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n_empty), order.end(),
                          [&](std::uint32_t a, std::uint32_t b) {
                              const std::int32_t x = assigned.similarity[a], y = assigned.similarity[b];
                              return x != y ? x < y : a < b;
                          });
        std::size_t next = 0;
        for (std::size_t m = 0; m < n_words; ++m) {
            if (in_use[m]) {
                words.get(m, row.data());
                take_majority(balance.data() + m * n_bits, n_bits, row.data());
                words.set(m, row.data());
            } else if (next < n_empty) {
                words.set(m, samples + order[next++] * width);
            }
        }
    }
    std::vector<Word> found(n_words * width);
    for (std::size_t m = 0; m < n_words; ++m) words.get(m, found.data() + m * width);
    return found;
}

WordBook::WordBook(const Patches& patches_, const Word* words, std::size_t n_words, std::size_t n_nearest_,
                   std::size_t grid_)
    : patches(patches_),
      n_nearest(n_nearest_),
      grid(grid_),
      n_words_(n_words),
      n_planes_(static_cast<std::size_t>(std::bit_width(2 * patches.n_bits()))),
      flips_(words_for(patches.n_bits())) {
    const std::size_t n_bits = patches.n_bits(), width = words_for(n_bits);
    const auto bit = [&](std::size_t m, std::size_t k) { return get_bit(words + m * width, k); };
    for (std::size_t k = 0; k < n_bits; ++k) {
        std::size_t n_on = 0;
        for (std::size_t m = 0; m < n_words; ++m) n_on += bit(m, k);
        if (2 * n_on > n_words) flips_[k / kWordBits] |= Word{1} << (k % kWordBits);
    }
    const std::size_t n_strips = strips_for(n_words);
    off_.assign(n_strips * (n_bits + 1) * kStripWords, 0);
    on_.assign(n_strips * n_planes_ * kStripWords, 0);
    for (std::size_t m = 0; m < n_words; ++m) {
        const std::size_t strip = m / (kStripWords * kWordBits), place = m / kWordBits % kStripWords;
        const Word one = Word{1} << (m % kWordBits);
        std::size_t n_on = 0;
        for (std::size_t k = 0; k < n_bits; ++k) {
            const bool on = bit(m, k) != get_bit(flips_.data(), k);
            n_on += on;
            if (!on) off_[(strip * (n_bits + 1) + k) * kStripWords + place] |= one;
        }
        for (std::size_t p = 0; p < n_planes_; ++p)
            if (n_on >> p & 1) on_[(strip * n_planes_ + p) * kStripWords + place] |= one;
    }
}

template <class Value>
void count_words(const EncodeKernels& kernels, const Value* images, std::size_t n_images, const WordBook& book,
                 std::int32_t* counts) {
    const Patches& patches = book.patches;
    const SlicedWords words = book.sliced();
    const std::size_t width = words_for(patches.n_bits()), grid = book.grid;
    PatchReader reader(patches);
    std::vector<Word> row(width), scratch(scratch_for(words));
    std::vector<std::uint16_t> seen(book.n_counts());
    for (std::size_t image = 0; image < n_images; ++image) {
        reader.read(images + image * patches.n_pixels());
        std::fill(seen.begin(), seen.end(), std::uint16_t{0});
        for (std::size_t y = 0; y < patches.rows(); ++y)
            for (std::size_t x = 0; x < patches.columns(); ++x) {
                std::fill(row.begin(), row.end(), Word{0});
                if (!reader.describe(y, x, row.data())) continue;
                for (std::size_t w = 0; w < width; ++w) row[w] ^= book.flips()[w];
                const std::size_t cell = y * grid / patches.rows() * grid + x * grid / patches.columns();
                kernels.count_nearest(words, row.data(), book.n_nearest, scratch.data(),
                                      seen.data() + cell * words.n_words);
            }
        std::copy(seen.begin(), seen.end(), counts + image * seen.size());
    }
}

template void count_words(const EncodeKernels&, const std::uint8_t*, std::size_t, const WordBook&, std::int32_t*);
template void count_words(const EncodeKernels&, const std::int16_t*, std::size_t, const WordBook&, std::int32_t*);

}  // namespace bitlocal
