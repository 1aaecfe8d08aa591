/* The count of instructions, checked against loops of known length; and the stack's mark against a known array. */
#include "board.h"

#define TURNS 100000u

/* Two instructions a turn on Arm, two on RISC-V, six cycles a turn on AVR. */
__attribute__((noinline)) static void turn(uint32_t n) {
#if defined(__arm__)
    __asm__ volatile("1: subs %0, #1\n bne 1b\n" : "+r"(n) : : "cc");
#elif defined(__riscv)
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b\n" : "+r"(n));
#elif defined(__AVR__)
    __asm__ volatile("1: subi %A0, 1\n sbci %B0, 0\n sbci %C0, 0\n sbci %D0, 0\n brne 1b\n" : "+d"(n) : : "cc");
#else
    (void)n;
#endif
}

__attribute__((noinline)) static void dig(void) {
    volatile uint8_t hole[200];
    for (size_t i = 0; i < sizeof hole; ++i) hole[i] = (uint8_t)i;
}

int main(void) {
    const uint32_t before = board_instructions();
    turn(TURNS);
    const uint32_t once = board_elapsed(before);
    const uint32_t again = board_instructions();
    turn(TURNS);
    turn(TURNS);
    const uint32_t twice = board_elapsed(again);
    board_number((int32_t)once);
    board_text(" ");
    board_number((int32_t)twice);
    board_text(" ");
    board_paint();
    const uint32_t shallow = board_stack_used();
    dig();
    board_number((int32_t)shallow);
    board_text(" ");
    board_number((int32_t)board_stack_used());
    board_text("\n");
    board_exit(0);
    return 0;
}
