//: least
static ptrdiff_t $enc_least(ptrdiff_t a, ptrdiff_t b)
{
    return (a < b) ? a : b;
}

//: most
static ptrdiff_t $enc_most(ptrdiff_t a, ptrdiff_t b)
{
    return (a > b) ? a : b;
}

//: neighbours
/* Where the 8 neighbours of a pixel are: right, then clockwise. */
static ptrdiff_t $enc_down(size_t direction)
{
    return (ptrdiff_t)($direction / 4u) - 1;
}

static ptrdiff_t $enc_right(size_t direction)
{
    return (ptrdiff_t)($direction % 4u) - 1;
}

//: brighter
static int $name(const $feature *features, ptrdiff_t a, ptrdiff_t b, $ctype margin)
{
    return (($ctype)$a - ($ctype)$b) > margin;
}

//: compare neighbours
/* Whether each pixel is brighter than its neighbours, all pixels for one neighbour after the other. */
static void $name(const $feature *features, $enc_writer_t *out, ptrdiff_t reach,
    $ctype margin)
{
    ptrdiff_t far;
    size_t direction;
    for (far = 1; far <= reach; far++) {
        for (direction = 0u; direction < 8u; direction++) {
            const ptrdiff_t dy = far * $enc_down(direction);
            const ptrdiff_t dx = far * $enc_right(direction);
            const ptrdiff_t y_end = $enc_least($height, $height - dy);
            const ptrdiff_t x_end = $enc_least($width, $width - dx) * $channels;
            ptrdiff_t y;
            for (y = $enc_most(0, -dy); y < y_end; y++) {
                ptrdiff_t x;
                for (x = $enc_most(0, -dx) * $channels; x < x_end; x++) {
                    const ptrdiff_t a = (y * $row) + x;
                    $enc_put(out, $brighter(features, a, a + (dy * $row) + (dx * $channels), margin));
                }
            }
        }
    }
}

//: hog
/* Edges are found once, and counted in all cells that hold them: $rows rows of cells are open at a time. */
$count counts[${n_counts}];
size_t direction;
$start
memset(counts, 0, sizeof counts);
for (direction = 0u; direction < 8u; direction++) {
    const ptrdiff_t dy = $enc_down(direction);
    const ptrdiff_t dx = $enc_right(direction) * $channels;
    const ptrdiff_t x_end = $enc_least($row, $row - dx);
    ptrdiff_t y;
    for (y = 0; y <= ${last_y}; y++) {
        const ptrdiff_t last = $enc_least(y / $step, ${n_down} - 1);
        ptrdiff_t x = ((y + dy) < 0 || (y + dy) >= $height) ? x_end : $enc_most(0, -dx);
        size_t i;
        for (; x < x_end; x++) {
            const ptrdiff_t a = (y * $row) + x;
            if ($brighter(features, a, a + (dy * $row) + dx, $margin)) {
                const ptrdiff_t column = x / $channels;
                const ptrdiff_t right = $enc_least(column / $step, ${n_right} - 1);
                ptrdiff_t down = (y < $cell) ? 0 : (((y - $cell) / $step) + 1);
                for (; down <= last; down++) {
                    ptrdiff_t k = (column < $cell) ? 0 : (((column - $cell) / $step) + 1);
                    for (; k <= right; k++) {
                        counts[((((down % $rows) * ${n_right}) + k) * $channels) + (x % $channels)]++;
                    }
                }
            }
        }
        if ((y >= ($cell - 1)) && (((y - ($cell - 1)) % $step) == 0)) {
            $count *const closed = &counts[(((y - ($cell - 1)) / $step) % $rows) * ${n_closed}];
            for (i = 0u; i < ${n_closed}u; i++) {
                $write
                closed[i] = 0u;
            }
        }
    }
}

//: local
/* Whether each pixel is brighter than the mean of a window around it. */
static void $name(const $feature *features, $enc_writer_t *out, ptrdiff_t reach, int32_t margin)
{
    const int32_t area = (int32_t)(((2 * reach) + 1) * ((2 * reach) + 1));
    ptrdiff_t y;
    for (y = 0; y < $height; y++) {
        ptrdiff_t x;
        for (x = 0; x < $row; x++) {
            int32_t above = area * (int32_t)$pixel;
            ptrdiff_t dy;
            for (dy = -reach; dy <= reach; dy++) {
                const ptrdiff_t v = $enc_least($enc_most(y + dy, 0), $height - 1) * $row;
                ptrdiff_t dx;
                for (dx = -reach; dx <= reach; dx++) {
                    const ptrdiff_t u = $enc_least($enc_most((x / $channels) + dx, 0), $width - 1);
                    above -= (int32_t)$other;
                }
            }
            $enc_put(out, above > margin);
        }
    }
}

//: pool
ptrdiff_t y;
$start
for (y = 0; y < $height; y += $side) {
    const ptrdiff_t y_end = $enc_least(y + $side, $height);
    ptrdiff_t x;
    for (x = 0; x < $width; x += $side) {
        const ptrdiff_t x_end = $enc_least(x + $side, $width);
        ptrdiff_t c;
        for (c = 0; c < $channels; c++) {
            $ctype sum = 0;
            ptrdiff_t v;
            for (v = y; v < y_end; v++) {
                ptrdiff_t u;
                for (u = x; u < x_end; u++) {
                    sum = ($ctype)(sum + ($ctype)$pixel);
                }
            }
            $write
        }
    }
}

//: patches
$start
const int32_t median = $median;
size_t i;
for (i = 0u; i < ${n}u; i++) {
    $count agreeing = 0;
    size_t k = 0u;
    size_t y;
    for (y = 0u; y < ${side}u; y++) {
        size_t x;
        for (x = 0u; x < ${side}u; x++) {
            const size_t at = (size_t)$corner + (y * ${row}u) + (x * ${channels}u);
            const int wanted = (int)(((size_t)$pattern >> (k % 8u)) & 1u);
            if (((int32_t)$pixel > median) == wanted) {
                agreeing++;
            }
            k++;
        }
    }
    $write
}

//: nearer
/* How many numbers of a sign are as near to 0 as a limit, or nearer. */
static uint32_t $name(const $ctype *responses, size_t n, $ctype sign, $ctype limit)
{
    uint32_t count = 0u;
    size_t i;
    for (i = 0u; i < n; i++) {
        const $ctype size = ($ctype)(sign * responses[i]);
        if ((size > 0) && (size <= limit)) {
            count++;
        }
    }
    return count;
}

//: limit
/* The least limit that so many numbers of a sign, at least, do not exceed; by bisection. */
static $ctype $name(const $ctype *responses, size_t n, $ctype sign, uint32_t wanted)
{
    $ctype low = 1;
    $ctype high = $most;
    while (low < high) {
        const $ctype middle = ($ctype)(low + ((high - low) / 2));
        if ($nearer(responses, n, sign, middle) < wanted) {
            low = ($ctype)(middle + 1);
        } else {
            high = middle;
        }
    }
    return low;
}

//: rank
/* The rank of a number among those of its sign: how many limits it exceeds, with its sign. */
static $rank $name($ctype response, const $ctype *limits)
{
    const $ctype size = ($ctype)((response < 0) ? -response : response);
    $rank rank = 0;
    size_t level;
    for (level = 0u; level < ${levels}u; level++) {
        if (size > limits[(response < 0) ? (${levels}u + level) : level]) {
            rank++;
        }
    }
    return ($rank)((response < 0) ? -rank : rank);
}

//: planes
/* Responses to one kernel after the other, and the rank of each among those of its sign. */
$ctype responses[${responses}];
$ctype limits[${limits}];
size_t first = 0u;
size_t kernel;
$start
for (kernel = 0u; kernel < ${kernels}u; kernel++) {
    const ptrdiff_t side = (ptrdiff_t)$side;
    const ptrdiff_t reach = side / 2;
    const ptrdiff_t step = (side < $large) ? 1 : $step;
    ptrdiff_t c;
    for (c = 0; c < $channels; c++) {
        size_t n = 0u;
        size_t i;
        ptrdiff_t y;
        for (y = 0; y < $height; y += step) {
            ptrdiff_t x;
            for (x = 0; x < $width; x += step) {
                size_t w = first;
                ptrdiff_t v;
                responses[n] = 0;
                for (v = y - reach; v <= (y + reach); v++) {
                    const ptrdiff_t row = $enc_least($enc_most(v, 0), $height - 1) * $row;
                    ptrdiff_t u;
                    for (u = x - reach; u <= (x + reach); u++) {
                        const ptrdiff_t column = $enc_least($enc_most(u, 0), $width - 1) * $channels;
                        const $ctype weight = ($ctype)(($ctype)$weight - $offset);
                        responses[n] = ($ctype)(responses[n] + ($ctype)(weight * ($ctype)$pixel));
                        w++;
                    }
                }
                n++;
            }
        }
        for (i = 0u; i < (2u * ${levels}u); i++) {
            const $ctype sign = (i < ${levels}u) ? 1 : -1;
            const uint32_t all = $nearer(responses, n, sign, $most);
            const uint32_t share = (((uint32_t)(i % ${levels}u) * all) + (${levels}u - 1u)) / ${levels}u;
            limits[i] = (share == 0u) ? 0 : $limit(responses, n, sign, share);
        }
        for (i = 0u; i < n; i++) {
            $write
        }
    }
    first += (size_t)(side * side);
}

//: rank of response
$rank(responses[i], limits)

//: place in kernel
(size_t)(row + column + c)

//: place in square
(size_t)((v * $row) + (u * $channels) + c)

//: place in middle
(size_t)((y * $row) + x)

//: place in window
(size_t)(v + (u * $channels) + (x % $channels))

//: first pixel
(size_t)a

//: second pixel
(size_t)b

//: place
(ptrdiff_t)$read

//: place apart
$a + (ptrdiff_t)$read - $back

//: is brighter
$brighter(features, $a, $b, $margin)

//: octet of pattern
(i * ${octets}u) + (k / 8u)

//: count of cell
closed[i]
