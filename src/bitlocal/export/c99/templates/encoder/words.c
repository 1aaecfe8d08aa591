//: floor
/* A quotient, rounded down. */
static int32_t $enc_floor(int32_t a, int32_t b)
{
    return (a < 0) ? -(((b - 1) - a) / b) : (a / b);
}

//: below
/* 1 if a lies below b, else 0: the sign of their difference. */
static uint32_t $enc_below(int32_t a, int32_t b)
{
    return ((uint32_t)(a - b)) >> 31;
}

//: filler
/* Words of bits, filled from below. */
typedef struct {
    uint32_t *word;
    uint32_t bits;
    uint32_t n;
} $enc_filler_t;

static void $enc_fill($enc_filler_t *to, uint32_t bits, uint32_t n)
{
    to->bits |= bits << to->n;
    to->n += n;
    if (to->n >= 32u) {
        *to->word = to->bits;
        to->word++;
        to->n -= 32u;
        to->bits = bits >> (n - to->n);
    }
}

//: colours
/* Of a pixel in colour: how bright it is, and two differences of colours. */
static int32_t $name(const $feature *features, size_t at, size_t plane)
{
    const int32_t red = (int32_t)$red;
    const int32_t green = (int32_t)$green;
    const int32_t blue = (int32_t)$blue;
    if (plane == 0u) {
        return $enc_floor(red + (2 * green) + blue, 4);
    }
    return (plane == 1u) ? (red - green) : ($enc_floor(red + green, 2) - blue);
}

//: gather
/* Gathers the pixels of a patch; how far they are apart, and their mean, rounded down. */
static int32_t $name(const $feature *features, size_t corner$plane, $value *pixels, int32_t *range)
{
    int32_t least = $high;
    int32_t most = $low;
    int32_t sum = 0;
    size_t k = 0u;
    size_t y;
    for (y = 0u; y < ${side}u; y++) {
        size_t x;
        for (x = 0u; x < ${side}u; x++) {
            const size_t at = corner + (y * ${row}u) + (x * ${channels}u);
            const int32_t pixel = (int32_t)$pixel;
            pixels[k] = ($value)pixel;
            sum += pixel;
            if (pixel < least) {
                least = pixel;
            }
            if (pixel > most) {
                most = pixel;
            }
            k++;
        }
    }
    *range = most - least;
    return $enc_floor(sum, $area);
}

//: describe
/* Describes a patch by bits; 0 for one that is flat. */
static int $name(const $feature *features, size_t corner, uint32_t *bits)
{
    $enc_filler_t to = {bits, 0u, 0u};
    $value pixels[$area];
    int32_t range;
    $mean mean = $gather(features, corner$first, pixels, &range);
    size_t k = 0u;
    size_t y;
    if (range < $flat) {
        return 0;
    }
    for (y = 1u; y <= ${side}u; y++) {
        size_t x;
        for (x = 1u; x <= ${side}u; x++) {
            const int32_t pixel = pixels[k];
            uint32_t code = $enc_below(mean, pixel) | ($enc_below(mean + $margin, pixel) << 1)
                | ($enc_below(mean - $margin, pixel) << 2);
            uint32_t n = 3u;
            if (x < ${side}u) {
                const int32_t apart = pixels[k + 1u] - pixel;
                code |= ($enc_below($edge, apart) | ($enc_below(apart, -$edge) << 1)) << n;
                n += 2u;
            }
            if (y < ${side}u) {
                const int32_t apart = pixels[k + ${side}u] - pixel;
                code |= ($enc_below($edge, apart) | ($enc_below(apart, -$edge) << 1)) << n;
                n += 2u;
            }
            $enc_fill(&to, code, n);
            k++;
        }
    }
    $colours
    if (to.n > 0u) {
        *to.word = to.bits;
    }
    return 1;
}

//: describe colours
for (y = 1u; y < 3u; y++) {
    mean = $gather(features, corner, y, pixels, &range);
    for (k = 0u; k < ${area}u; k++) {
        const int32_t pixel = pixels[k];
        $enc_fill(&to, $enc_below(mean + $margin, pixel) | ($enc_below(mean - $margin, pixel) << 1), 2u);
    }
}

//: count
/* Counts the nearest of $words words, the first of equals. */
static void $name(const uint32_t *bits, $count *counts)
{
    $index nearest[$nearest];
    uint16_t differ[$nearest];
    size_t i;
    size_t m;
    for (i = 0u; i < ${nearest}u; i++) {
        nearest[i] = 0u;
        differ[i] = 0xFFFFu;
    }
    for (m = 0u; m < ${words}u; m++) {
        const uint32_t most = differ[${last}u];
        uint32_t n = 0u;
        size_t w;
        for (w = 0u; (w < ${width}u) && (n < most); w++) {
            const uint32_t word = $word ^ bits[w];
            n += $NET_POPCOUNT32(word);
        }
        if (n < most) {
            for (i = ${last}u; (i > 0u) && (differ[i - 1u] > n); i--) {
                differ[i] = differ[i - 1u];
                nearest[i] = nearest[i - 1u];
            }
            differ[i] = (uint16_t)n;
            nearest[i] = ($index)m;
        }
    }
    for (i = 0u; i < ${nearest}u; i++) {
        counts[nearest[i]]++;
    }
}

//: first
/* The first of n places that is in a cell. */
static size_t $name(size_t cell, size_t n)
{
    return ((cell * n) + ${last}u) / ${grid}u;
}

//: words
/* One cell after the other, so that the counts of one are all that is kept. */
$count counts[$words];
uint32_t bits[$width];
size_t down;
$start
for (down = 0u; down < ${grid}u; down++) {
    size_t right;
    for (right = 0u; right < ${grid}u; right++) {
        size_t y;
        size_t i;
        memset(counts, 0, sizeof counts);
        for (y = $first(down, ${rows}u); y < $first(down + 1u, ${rows}u); y++) {
            size_t x;
            for (x = $first(right, ${columns}u); x < $first(right + 1u, ${columns}u); x++) {
                if ($describe(features, ((y * ${width_of_image}u) + x) * ${channels}u, bits)) {
                    $seen(bits, counts);
                }
            }
        }
        for (i = 0u; i < ${words}u; i++) {
            $write
        }
    }
}

//: place
at

//: channel
at + ${c}u

//: colour
$name(features, at, plane)

//: of plane
, size_t plane

//: brightness
, 0u

//: place of word
(m * ${width}u) + w

//: count of word
counts[i]
