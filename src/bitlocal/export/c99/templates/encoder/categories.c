//: place
/* The place of a value among n categories, from 1; 0 if it is none of them. */
static size_t $name($ctype value, size_t first, size_t n)
{
    size_t i;
    for (i = 0u; i < n; i++) {
        if ($equal) {
            return i + 1u;
        }
    }
    return 0u;
}

//: onehot
static void $enc_onehot($enc_writer_t *out, size_t place, size_t first, size_t n)
{
    size_t i;
    for (i = first; i <= n; i++) {
        $enc_put(out, place == i);
    }
}

//: ordinal
static void $enc_ordinal($enc_writer_t *out, size_t place, size_t n)
{
    size_t i;
    for (i = 1u; i < n; i++) {
        $enc_put(out, place > i);
    }
}

//: binary
static void $enc_binary($enc_writer_t *out, size_t place, size_t n)
{
    size_t i;
    for (i = 0u; i < n; i++) {
        $enc_put(out, (int)((place >> i) & 1u));
    }
}

//: columns
size_t place;
$columns

//: find
place = $place;

//: call of place
$name($value, ${first}u, ${n}u)

//: index
first + i

//: call of onehot
$enc_onehot(out, place, ${first}u, ${n}u);

//: call of ordinal
$enc_ordinal(out, place, ${n}u);

//: call of binary
$enc_binary(out, place, ${n}u);

//: is other
(place == 0u)

//: is other key
(place == 0u) && ($value != 0u)

//: is missing
$value == 0u
