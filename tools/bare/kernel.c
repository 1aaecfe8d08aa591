// Runs one statically linked Linux program on a bare x86-64 machine: as little of a system as its C library can live
// on.
//
// For emulators that know instructions which the processors at hand lack. It takes seconds, where booting a whole
// system takes minutes. The program is the first multiboot module, its command line the module's; it must be linked to
// addresses from kMemoryOf on. What it writes goes to port E9 (Bochs prints that), and so does, at the end, its exit
// status.
#include <elf.h>
#include <stddef.h>
#include <stdint.h>

enum {
    kProgram = 0x08000000,  // it is linked to this address; its heap follows
    kMappings = 0x18000000,
    kStackEnd = 0x20000000,  // 512 MiB
    kNotThere = -38,         // ENOSYS
};

struct MultibootModule {
    uint32_t begin, end, command_line, reserved;
};
struct MultibootInfo {
    uint32_t flags, memory[2], boot_device, command_line, n_modules, modules;
};

void system_call_entry(void);
_Noreturn void run(uint64_t entry, uint64_t stack);

static uint64_t heap_begin, heap_end, mapped = kMappings;

static void out(uint16_t port, uint8_t value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void write_msr(uint32_t msr, uint64_t value) {
    asm volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static void print(const char* text) {
    while (*text != 0) out(0xE9, (uint8_t)*text++);
}

static void print_number(uint64_t n) {
    if (n >= 10) print_number(n / 10);
    out(0xE9, (uint8_t)('0' + n % 10));
}

static _Noreturn void end(uint64_t status) {
    print("exit status ");
    print_number(status);
    print("\n");
    for (const char* word = "Shutdown"; *word != 0; ++word) out(0x8900, (uint8_t)*word);  // Bochs ends at this
    for (;;) asm volatile("hlt");
}

// registers: rax (the number), rdi, rsi, rdx, r10, r8, r9
void system_call(int64_t* registers) {
    const uint64_t a = (uint64_t)registers[1], b = (uint64_t)registers[2], c = (uint64_t)registers[3];
    int64_t* result = registers;
    int64_t value = 0;
    switch (registers[0]) {
        case 1:  // write
            for (uint64_t i = 0; i < c; ++i) out(0xE9, ((const uint8_t*)b)[i]);
            value = (int64_t)c;
            break;
        case 9:  // mmap, of memory alone; never given back
            value = (int64_t)mapped;
            mapped += (b + 4095) / 4096 * 4096;
            if (mapped > kStackEnd - 0x800000) value = -12;
            break;
        case 12:  // brk
            if (a >= heap_begin && a < kMappings) {
                for (uint64_t i = heap_end; i < a; ++i) *(uint8_t*)i = 0;
                heap_end = a;
            }
            value = (int64_t)heap_end;
            break;
        case 158:                                       // arch_prctl
            if (a == 0x1002) write_msr(0xC0000100, b);  // FS base
            break;
        case 10:   // mprotect
        case 11:   // munmap
        case 13:   // rt_sigaction
        case 14:   // rt_sigprocmask
        case 218:  // set_tid_address
        case 273:  // set_robust_list
            break;
        case 60:   // exit
        case 231:  // exit_group
            end(a);
        case 200:  // tkill
        case 234:  // tgkill
            print("aborted\n");
            end(134);
        case 5:    // fstat
        case 16:   // ioctl
        case 89:   // readlink
        case 262:  // newfstatat
        case 228:  // clock_gettime
        case 302:  // prlimit64
        case 318:  // getrandom
        case 334:  // rseq
            value = kNotThere;
            break;
        default:
            print("system call ");
            print_number((uint64_t)registers[0]);
            print(" is not there\n");
            value = kNotThere;
    }
    *result = value;
}

static uint64_t* stack_top(const Elf64_Ehdr* elf, uint64_t headers, char* command_line) {
    static uint64_t sixteen_bytes[2] = {1, 2};
    char* arguments[16];
    uint64_t n = 0;
    for (char* p = command_line; *p != 0 && n < 16;) {
        while (*p == ' ') *p++ = 0;
        if (*p != 0) arguments[n++] = p;
        while (*p != 0 && *p != ' ') ++p;
    }
    uint64_t* top = (uint64_t*)(uint64_t)kStackEnd - 64;  // aligned to 16 bytes
    uint64_t* p = top;
    *p++ = n;
    for (uint64_t i = 0; i < n; ++i) *p++ = (uint64_t)arguments[i];
    *p++ = 0;  // end of the arguments
    *p++ = 0;  // no environment
    const uint64_t auxiliary[][2] = {
        {AT_PHDR, headers},       {AT_PHENT, elf->e_phentsize},         {AT_PHNUM, elf->e_phnum}, {AT_PAGESZ, 4096},
        {AT_ENTRY, elf->e_entry}, {AT_RANDOM, (uint64_t)sixteen_bytes}, {AT_SECURE, 0},           {AT_NULL, 0}};
    for (size_t i = 0; i < sizeof auxiliary / sizeof auxiliary[0]; ++i) {
        *p++ = auxiliary[i][0];
        *p++ = auxiliary[i][1];
    }
    return top;
}

_Noreturn void main(const struct MultibootInfo* info) {
    if (info->n_modules != 1) {
        print("expected one module\n");
        end(255);
    }
    const struct MultibootModule* module = (const struct MultibootModule*)(uint64_t)info->modules;
    const uint8_t* file = (const uint8_t*)(uint64_t)module->begin;
    const Elf64_Ehdr* elf = (const Elf64_Ehdr*)file;
    uint64_t headers = 0;
    for (uint16_t i = 0; i < elf->e_phnum; ++i) {
        const Elf64_Phdr* part = (const Elf64_Phdr*)(file + elf->e_phoff + i * elf->e_phentsize);
        if (part->p_type != PT_LOAD) continue;
        if (part->p_vaddr < kProgram) {
            print("the program is not linked to its address\n");
            end(255);
        }
        if (part->p_offset == 0) headers = part->p_vaddr + elf->e_phoff;
        uint8_t* memory = (uint8_t*)part->p_vaddr;
        for (uint64_t k = 0; k < part->p_memsz; ++k) memory[k] = k < part->p_filesz ? file[part->p_offset + k] : 0;
        const uint64_t after = (part->p_vaddr + part->p_memsz + 4095) / 4096 * 4096;
        if (after > heap_end) heap_begin = heap_end = after;
    }
    write_msr(0xC0000081, (uint64_t)8 << 32);            // STAR: code segment 8, data segment 16
    write_msr(0xC0000082, (uint64_t)system_call_entry);  // LSTAR
    write_msr(0xC0000084, 0);                            // SFMASK
    run(elf->e_entry, (uint64_t)stack_top(elf, headers, (char*)(uint64_t)module->command_line));
}
