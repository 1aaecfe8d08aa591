/* Constant data go to flash. On AVR they stay there, and are read by instructions of their own. */
#if defined(__AVR__)
#include <avr/pgmspace.h>
#define $NET_ROM PROGMEM
#define $NET_ROM_U8(p) pgm_read_byte(p)
#define $NET_ROM_U16(p) pgm_read_word(p)
#define $NET_ROM_I16(p) ((int16_t)pgm_read_word(p))
#define $NET_ROM_U32(p) pgm_read_dword(p)
#define $NET_ROM_U64(p) \
    (((uint64_t)pgm_read_dword((const char *)(p))) | ((uint64_t)pgm_read_dword((const char *)(p) + 4) << 32))
#else
#define $NET_ROM
#define $NET_ROM_U8(p) (*(p))
#define $NET_ROM_U16(p) (*(p))
#define $NET_ROM_I16(p) (*(p))
#define $NET_ROM_U32(p) (*(p))
#define $NET_ROM_U64(p) (*(p))
#endif

/* Bits that are set in a word. Where the processor has an instruction for it, define $NET_POPCOUNT32(x) to be that. */
#ifndef $NET_POPCOUNT32
#if defined(__POPCNT__) || defined(__aarch64__) || defined(__riscv_zbb)
#define $NET_POPCOUNT32(x) ((uint32_t)__builtin_popcount(x))
#else
#define $NET_POPCOUNT32(x) $net_popcount32(x)
static uint32_t $net_popcount32(uint32_t x) {
    x -= (x >> 1) & UINT32_C(0x55555555);
    x = (x & UINT32_C(0x33333333)) + ((x >> 2) & UINT32_C(0x33333333));
    x = (x + (x >> 4)) & UINT32_C(0x0F0F0F0F);
    return (x * UINT32_C(0x01010101)) >> 24;
}
#endif
#endif

/* Rows of bits: bit i is bit i mod 32 of word i / 32, and the bits that fill up the last word are zero. */
#define $NET_WORDS(bits) (((bits) + 31u) / 32u)

/* The class with the largest logit; of equal ones the lowest. */
static int $net_winner(const int32_t *logits) {
    int best = 0;
    int c;
    for (c = 1; c < $NET_N_CLASSES; ++c) {
        if (logits[c] > logits[best]) {
            best = c;
        }
    }
    return best;
}

/* Sum of the products of a row in flash with a vector, both of -1 and +1: bits less twice those that differ. */
static int32_t $net_product_rom(const uint32_t *row, const uint32_t *in, size_t n_bits) {
    const size_t n_words = $NET_WORDS(n_bits);
    uint32_t differ = 0u;
    size_t w;
    for (w = 0u; w < n_words; ++w) {
        const uint32_t word = $NET_ROM_U32(&row[w]) ^ in[w];
        differ += $NET_POPCOUNT32(word);
    }
    return (int32_t)n_bits - (int32_t)(2u * differ);
}
