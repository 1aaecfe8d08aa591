/* What a test program needs of the machine under it: serial output, one input file, a count of instructions, and how
 * deep the stack went. board_arm.c, board_riscv.c, board_avr.c and board_host.c implement it. */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The machine. */
void board_write(const char *text, size_t length);
size_t board_read(void *to, size_t length); /* from the input; less than `length` bytes only at its end */
uint32_t board_instructions(void);          /* executed so far, modulo 2^32 or, on AVR, cycles modulo 2^32 */
uint32_t board_elapsed(uint32_t since);     /* since board_instructions() gave `since` */
uint8_t *board_stack_bottom(void);          /* lowest address that the stack may reach; NULL if unknown */
uint8_t *board_stack_top(void);             /* and the highest */
void board_exit(int code);

/* On top of it, board.c. */
void board_text(const char *text);
void board_number(int32_t value);
void board_hex(const uint8_t *bytes, size_t length);
void board_paint(void);          /* marks the stack below the caller */
uint32_t board_stack_used(void); /* bytes below the caller that were written since */

uint32_t board_stack_depth(void); /* likewise, but from the top of the stack on */

int main(void);

#ifdef __cplusplus
}
#endif

#endif
