/* Text out, and the stack's high-water mark: the same on every machine. */
#include "board.h"

#include <string.h>

#define PAINT 0xA5u
#ifdef __riscv
#define RED_ZONE 32u /* there, a frame's address is its upper end */
#else
#define RED_ZONE 0u
#endif

void board_text(const char *text) {
    board_write(text, strlen(text));
}

void board_number(int32_t value) {
    char text[12];
    size_t at = sizeof text;
    uint32_t rest = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    do {
        text[--at] = (char)('0' + rest % 10u);
        rest /= 10u;
    } while (rest != 0u);
    if (value < 0) text[--at] = '-';
    board_write(text + at, sizeof text - at);
}

void board_hex(const uint8_t *bytes, size_t length) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; ++i) {
        const char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15u]};
        board_write(pair, sizeof pair);
    }
}

/* Volatile and byte by byte: a call of memset would use the very stack that it paints. */
__attribute__((noinline)) void board_paint(void) {
    volatile uint8_t *const top = (volatile uint8_t *)__builtin_frame_address(0) - RED_ZONE;
    if (board_stack_bottom() == NULL) return;
    for (volatile uint8_t *p = board_stack_bottom(); p < top; ++p) *p = PAINT;
}

/* The lowest byte that was written, or `end`. */
static const volatile uint8_t *deepest(const volatile uint8_t *end) {
    const volatile uint8_t *p = board_stack_bottom();
    if (p == NULL) return end;
    while (p < end && *p == PAINT) ++p;
    return p;
}

__attribute__((noinline)) uint32_t board_stack_used(void) {
    const volatile uint8_t *const here = (const volatile uint8_t *)__builtin_frame_address(0);
    return (uint32_t)(here - deepest(here));
}

uint32_t board_stack_depth(void) {
    const volatile uint8_t *const top = board_stack_top();
    return top == NULL ? 0u : (uint32_t)(top - deepest(top));
}
