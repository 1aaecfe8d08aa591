//: sum
/* A weighted sum of a few whole numbers. */
static int32_t $name(const $feature *features$bits, size_t i)
{
    int32_t sum = 0;
    size_t term;
    for (term = i * ${terms}u; term < (i + 1u) * ${terms}u; term++) {
        const int32_t weight = (int32_t)$weight + $offset;
        if (weight != 0) {
            sum += weight * $number;
        }
    }
    return sum;
}

//: number
/* A feature as a whole number from -127 to 127. */
static int32_t $name(const $feature *features, size_t i)
{
    return (int32_t)$level - 127;
}

//: number or missing
/* A feature as a whole number from -127 to 127. A missing one has level 0. */
static int32_t $name(const $feature *features, size_t i)
{
    const int32_t level = (int32_t)$level;
    return (level == 0) ? $filled : (level - 128);
}

//: filled
((int32_t)$read - 127)

//: column
/* What is added up of a table: a whole number from -127 to 127. */
static int32_t $name(const $feature *features$bits, size_t i)
{
    $cases
}

//: case of numbers
if (i < ${end}u) {
    return $number;
}

//: case of few values
if (i == ${i}u) {
    return (int32_t)$read - 127;
}

//: otherwise bits
const size_t bit = i + ${bit}u - ${first}u;
(void)features;
return (((bits[bit / 32u] >> (bit % 32u)) & 1u) != 0u) ? $set : 0;

//: otherwise nothing
return 0;

//: parameter
, const uint32_t *bits

//: argument
, bits

//: bits
const uint32_t *const bits = out->word - ${words}u;
$body

//: index
i

//: term
term

//: column of term
(size_t)$column

//: feature of column
(size_t)$read

//: call
$name(features$bits, $i)
