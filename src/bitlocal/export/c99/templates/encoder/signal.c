//: differences
/* Differences of values that are so many places apart. */
static void $name(const $feature *features, $enc_writer_t *out, size_t apart)
{
    size_t i;
    for (i = apart; i < ${n}u; i++) {
        $write
    }
}

//: bound
/* Where segment s begins, of so many segments of n steps. */
static size_t $enc_bound(size_t s, size_t n, size_t segments)
{
    return (size_t)(((uint32_t)s * (uint32_t)n) / (uint32_t)segments);
}

//: above
static int $name(const $feature *features, size_t i)
{
    const $ctype value = $value;
    return $above;
}

//: crossings
/* How often a channel crosses its median in some steps. */
static int32_t $name(const $feature *features, size_t first, size_t end, size_t channel)
{
    int32_t n = 0;
    size_t t;
    for (t = (first > 0u) ? first : 1u; t < end; t++) {
        const size_t i = (t * ${channels}u) + channel;
        if ($above(features, i) != $above(features, i - ${channels}u)) {
            n++;
        }
    }
    return n;
}

//: write crossings
size_t s;
$start
for (s = 0u; s < ${segments}u; s++) {
    const size_t first = $enc_bound(s, ${n_steps}u, ${segments}u);
    const size_t end = $enc_bound(s + 1u, ${n_steps}u, ${segments}u);
    size_t channel;
    for (channel = 0u; channel < ${channels}u; channel++) {
        $write
    }
}

//: sum
static int32_t $name(const $feature *features, size_t first, size_t n, size_t channel)
{
    int32_t sum = 0;
    size_t t;
    for (t = first; t < (first + n); t++) {
        sum += (int32_t)$value;
    }
    return sum;
}

//: energy
/* How much the sums of so many values differ from those of the values that follow them. */
static int32_t $name(const $feature *features, size_t first, size_t end, size_t half, size_t channel)
{
    int32_t energy = 0;
    size_t i;
    for (i = first; i < end; i++) {
        const size_t place = i * 2u * half;
        const int32_t left = $sum(features, place, half, channel);
        const int32_t right = $sum(features, place + half, half, channel);
        energy += (left > right) ? (left - right) : (right - left);
    }
    return energy;
}

//: write bands
size_t half;
$start
for (half = 1u; half <= ${most}u; half *= 2u) {
    const size_t n = ${n_steps}u / (2u * half);
    const size_t segments = (n < ${segments}u) ? n : ${segments}u;
    size_t s;
    for (s = 0u; s < segments; s++) {
        const size_t first = $enc_bound(s, n, segments);
        const size_t end = $enc_bound(s + 1u, n, segments);
        size_t channel;
        for (channel = 0u; channel < ${channels}u; channel++) {
            $write
        }
    }
}

//: place before
i - apart

//: difference
($ctype)(($ctype)$later - ($ctype)$earlier)

//: call of differences
$name(features, out, ${apart}u);

//: channel
i % ${channels}u

//: only channel
0u

//: place
(t * ${channels}u) + channel

//: only place
t + channel

//: call of crossings
$name(features, first, end, channel)

//: call of bands
$name(features, first, end, half, channel)
