/* An ATmega1284P as simavr emulates it: the serial port; the input is compiled in; cycles by timer 1. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>

#include "board.h"

#ifndef BOARD_MINIMAL

/* Generated beside the program: the input, in as many arrays as avr-gcc allows of that size. */
extern const uint8_t board_input[];
extern const uint16_t board_input_size;

extern uint8_t _end;

static volatile uint16_t overflows;

ISR(TIMER1_OVF_vect) {
    ++overflows;
}

void board_write(const char *text, size_t length) {
    UCSR0B = (uint8_t)(1u << TXEN0);
    for (size_t i = 0; i < length; ++i) {
        while ((UCSR0A & (1u << UDRE0)) == 0u) {
        }
        UDR0 = (uint8_t)text[i];
    }
}

size_t board_read(void *to, size_t length) {
    static uint16_t at = 0;
    uint8_t *out = to;
    size_t n = 0;
    for (; n < length && at < board_input_size; ++n) out[n] = pgm_read_byte(&board_input[at++]);
    return n;
}

uint32_t board_instructions(void) {
    if (TCCR1B == 0u) {
        TIMSK1 = (uint8_t)(1u << TOIE1);
        TCCR1B = (uint8_t)(1u << CS10);
        sei();
    }
    cli();
    uint16_t low = TCNT1;
    uint16_t high = overflows;
    if ((TIFR1 & (1u << TOV1)) != 0u && low < 0x8000u) ++high;
    sei();
    return (uint32_t)high << 16 | low;
}

uint32_t board_elapsed(uint32_t since) {
    return board_instructions() - since;
}

uint8_t *board_stack_bottom(void) {
    return &_end;
}

uint8_t *board_stack_top(void) {
    return (uint8_t *)(RAMEND + 1);
}

/* simavr stops when the processor sleeps with interrupts off. */
void board_exit(int code) {
    board_text("\nexit ");
    board_number(code);
    board_text("\n");
    cli();
    for (;;) sleep_mode();
}

#endif
