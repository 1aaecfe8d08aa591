//: thermometer
static void $name($enc_writer_t *out, $ctype value)
{
    $body
}

//: restart
out->$field = 0u;

//: call
$name(out, $value);

//: above threshold
value > threshold

//: one threshold
const $ctype threshold = $threshold;
$put

//: thresholds
const size_t end = $end;
size_t i;
for (i = $first; i < end; i++) {
    $put
}

//: next threshold
out->threshold = end;

//: next code
out->code++;

//: width
const size_t width = $width;

//: missing
if ((width & 1u) != 0u) {
    $put
}

//: count of width
width / 2u

//: code
out->code

//: pair of codes
out->code / 2u

//: threshold
out->threshold

//: after
out->threshold + ($count)

//: half of a byte
((size_t)$pair >> (4u * (out->code % 2u))) & 15u

//: compare
$value $how $read

//: compare cast
$value $how ($ctype)$read

//: compare offset
$value $how (($ctype)$offset + ($ctype)$read)

//: compare biased
((uint32_t)$value ^ 0x80000000u) $how $read

//: cast
($ctype)$value
