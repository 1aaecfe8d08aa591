//: level
/* The level of a feature: how many of $n numbers lie below it. */
static $ctype $name(const $feature *features, size_t i)
{
    const $wide value = $value;
    size_t level = 0u;
    size_t step;
    for (step = ${half}u; step > 0u; step /= 2u) {
        if ($below) {
            level += step;
        }
    }
    return ($ctype)level;
}

//: clipped
/* Features are clipped to 16 bits. */
static int16_t $name(const $feature *features, size_t i)
{
    $below
    return (features[i] > 32767) ? (int16_t)32767 : (int16_t)features[i];
}

//: below
if (features[i] < (-32767 - 1)) {
    return (int16_t)(-32767 - 1);
}

//: place
level + step - 1u

//: place in channel
((i % ${channels}u) * ${n}u) + level + step - 1u

//: read
$name(features, $index)
