/* A Cortex-M3 as QEMU's mps2-an385 emulates it: vectors, start-up, the serial port, files by semihosting. */
#include "board.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* From the linker script. */
extern uint32_t board_data_load[], board_data_start[], board_data_end[], board_bss_start[], board_bss_end[];
extern uint8_t board_stack_low[], board_stack_high[];

void board_start(void);

static void fault(void) {
#ifndef BOARD_MINIMAL
    board_text("\nfault\n");
    board_exit(3);
#endif
    for (;;) {
    }
}

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)(void *)board_stack_high, board_start, fault, fault, fault, fault, fault};

void board_start(void) {
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

/* UART 0 of the CMSDK. */
#define UART_DATA 0x40004000u
#define UART_STATE 0x40004004u
#define UART_CONTROL 0x40004008u
#define UART_BAUD_DIVIDER 0x40004010u

void board_write(const char *text, size_t length) {
    REGISTER(UART_BAUD_DIVIDER) = 16u;
    REGISTER(UART_CONTROL) = 1u; /* transmit */
    for (size_t i = 0; i < length; ++i) {
        while ((REGISTER(UART_STATE) & 1u) != 0u) { /* full */
        }
        REGISTER(UART_DATA) = (uint8_t)text[i];
    }
}

static uintptr_t semihost(uint32_t operation, const void *arguments) {
    register uintptr_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
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
    return length - semihost(0x06u, read); /* which says how much is missing */
}

void board_exit(int code) {
    const uintptr_t reason[2] = {0x20026u /* application exit */, (uintptr_t)code};
    (void)semihost(0x20u, reason);
    for (;;) {
    }
}

/* With `-icount shift=0` QEMU's clock advances by a nanosecond an instruction; SysTick counts it down at 25 MHz, so a
 * tick is 40 instructions. A count is of one stretch of less than 2^24 ticks. */
#define SYSTICK_CONTROL 0xE000E010u
#define SYSTICK_RELOAD 0xE000E014u
#define SYSTICK_VALUE 0xE000E018u
#define INSTRUCTIONS_A_TICK 40u

uint32_t board_instructions(void) {
    if (REGISTER(SYSTICK_CONTROL) == 0u) {
        REGISTER(SYSTICK_RELOAD) = 0xFFFFFFu;
        REGISTER(SYSTICK_VALUE) = 0u;
        REGISTER(SYSTICK_CONTROL) = 5u; /* the processor's clock, on, no interrupt */
    }
    return REGISTER(SYSTICK_VALUE);
}

uint32_t board_elapsed(uint32_t since) {
    return ((since - REGISTER(SYSTICK_VALUE)) & 0xFFFFFFu) * INSTRUCTIONS_A_TICK;
}
