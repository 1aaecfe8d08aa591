//: conjunction
/* Whether some bits are what they should be. A literal is twice the place of a bit, plus its value. */
static int $name(const uint32_t *bits, size_t i)
{
    size_t term;
    for (term = i * ${terms}u; term < (i + 1u) * ${terms}u; term++) {
        const uint32_t literal = (uint32_t)$literal;
        const size_t bit = (size_t)(literal >> 1) + ${first}u;
        if (((bits[bit / 32u] >> (bit % 32u)) & 1u) != (literal & 1u)) {
            return 0;
        }
    }
    return 1;
}

//: term
term

//: call
$name(bits, i)

//: bits
const uint32_t *const bits = out->word - ${words}u;
(void)features;
$body
