//: title
/* From features to bits. */

//: writer
/* Where the next bit goes, and which code and threshold come next. */
typedef struct {
    uint32_t *word;
    uint32_t mask;
    size_t code;
    size_t threshold;
} $enc_writer_t;

static void $enc_put($enc_writer_t *out, int bit)
{
    if (bit) {
        *out->word |= out->mask;
    }
    out->mask <<= 1;
    if (out->mask == 0u) {
        out->mask = 1u;
        out->word++;
    }
}

//: key
/* Numbers are compared through their bit patterns: an integer for each, in the same order; NaN comes to 0. */
static uint32_t $enc_key(const float *feature)
{
    uint32_t pattern;
    uint32_t magnitude;
    memcpy(&pattern, feature, sizeof pattern);
    magnitude = pattern & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) {
        return 0u;
    }
    return (pattern & 0x80000000u) ? (0x80000000u - magnitude) : (0x80000000u + magnitude);
}

//: fill
/* What a missing value is compared as, where another one is filled in for it. */
static uint32_t $enc_key_or(uint32_t key, uint32_t fill)
{
    return key == 0u ? fill : key;
}

//: part
static void $name(const $feature *features, $enc_writer_t *out)
{
    $body
}

//: encode
static void $net_encode(const $feature *features, uint32_t *bits)
{
    $enc_writer_t out;
    size_t i;
    for (i = 0u; i < ${words}u; i++) {
        bits[i] = 0u;
    }
    out.word = bits;
    out.mask = 1u;
    out.code = 0u;
    out.threshold = 0u;
    $calls
}

//: put
$enc_put(out, $bit);

//: feature
features[$index]

//: key of feature
$enc_key(&features[$index])

//: filled
$enc_key_or($key, $fill)

//: call
$name(features, &out$arguments);

//: loop
size_t $i;
$start
for ($i = 0u; $i < ${n}u; $i++) {
    $write
}

//: shifted
f + ${first}u

//: index
(size_t)$read

//: bit
$value > 0

//: bit of key
$value > 0x80000000u
