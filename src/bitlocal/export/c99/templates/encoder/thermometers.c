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

//: octet of codes
out->code / ${n}u

//: threshold
out->threshold

//: after
out->threshold + ($count)

//: part of octet
((size_t)$octet >> (${bits}u * (out->code % ${n}u))) & ${mask}u

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
