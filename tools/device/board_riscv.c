/* RV32 as QEMU's virt emulates it: start-up, the serial port, files by semihosting, instret. */
#include "board.h"

extern uint32_t board_data_load[], board_data_start[], board_data_end[], board_bss_start[], board_bss_end[];
extern uint8_t board_stack_low[], board_stack_high[];

void board_run(void);
void board_start(void);

__attribute__((naked, section(".text.start"), used)) void board_start(void) {
    __asm__ volatile(
        ".option push\n .option norelax\n"
        "la gp, __global_pointer$\n"
        ".option pop\n"
        "la sp, board_stack_high\n"
        "j board_run\n");
}

__attribute__((used)) void board_run(void) {
    const uint32_t *from = board_data_load;
    for (uint32_t *to = board_data_start; to < board_data_end; ++to) *to = *from++;
    for (uint32_t *to = board_bss_start; to < board_bss_end; ++to) *to = 0u;
    const int code = main();
#ifdef BOARD_MINIMAL
    (void)code;
    for (;;) {
    }
#else
    board_exit(code);
#endif
}

uint8_t *board_stack_bottom(void) {
    return board_stack_low;
}

uint8_t *board_stack_top(void) {
    return board_stack_high;
}

void board_write(const char *text, size_t length) {
    for (size_t i = 0; i < length; ++i) *(volatile uint8_t *)0x10000000u = (uint8_t)text[i]; /* a 16550's data */
}

/* The three instructions that make the breakpoint in the middle a call must not be compressed, nor cross a page. */
__attribute__((noinline, aligned(16))) static uintptr_t semihost(uintptr_t operation, const void *arguments) {
    register uintptr_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = arguments;
    __asm__ volatile(
        ".option push\n .option norvc\n .balign 16\n"
        "slli zero, zero, 0x1f\n ebreak\n srai zero, zero, 7\n"
        ".option pop\n"
        : "+r"(a0)
        : "r"(a1)
        : "memory");
    return a0;
}

size_t board_read(void *to, size_t length) {
    static uintptr_t file = 0;
    if (file == 0u) {
        static const char name[] = "input";
        const uintptr_t open[3] = {(uintptr_t)name, 1u /* rb */, sizeof name - 1u};
        file = semihost(0x01u, open);
        if (file == (uintptr_t)-1) board_exit(4);
    }
    const uintptr_t read[3] = {file, (uintptr_t)to, length};
    return length - semihost(0x06u, read);
}

void board_exit(int code) {
    const uintptr_t reason[2] = {0x20026u, (uintptr_t)code};
    (void)semihost(0x20u, reason);
    for (;;) {
    }
}

uint32_t board_instructions(void) {
    uint32_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count));
    return count;
}

uint32_t board_elapsed(uint32_t since) {
    return board_instructions() - since;
}
