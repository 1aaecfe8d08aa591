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
