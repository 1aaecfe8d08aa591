//: sum
/* A weighted sum of a few features, as whole numbers from -127 to 127. A missing one has level 0, and counts as 0. */
static int32_t $name(const $feature *features, size_t i)
{
    int32_t sum = 0;
    size_t term;
    for (term = i * ${terms}u; term < (i + 1u) * ${terms}u; term++) {
        const int32_t weight = (int32_t)$weight + $offset;
        if (weight != 0) {
            const int32_t level = (int32_t)$level;
            if (level != 0) {
                sum += weight * (level - 128);
            }
        }
    }
    return sum;
}

//: term
term

//: column
(size_t)$column

//: call
$name(features, i)
