// Entry from a multiboot loader (32 bits, no paging) into main in long mode, with AVX-512 switched on, and the entry of
// system calls. The program under test runs in ring 0, too. Nothing handles exceptions: one ends the machine.
        .section .multiboot, "a"
        .align  4
        .long   0x1BADB002, 3, -(0x1BADB002 + 3)        // modules aligned to pages, memory sizes

        .text
        .code32
        .globl  start
start:
        cli
        mov     %ebx, %edi                      // what the loader tells: main's first argument
        // Identity mapping of the first GiB by pages of 2 MiB: one table a level.
        movl    $directory_pointers + 3, page_map
        movl    $directory + 3, directory_pointers
        mov     $0x83, %eax
        mov     $directory, %ecx
1:      mov     %eax, (%ecx)
        add     $0x200000, %eax
        add     $8, %ecx
        cmp     $directory + 4096, %ecx
        jne     1b
        mov     $page_map, %eax
        mov     %eax, %cr3
        mov     $0x40620, %eax                  // PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
        mov     %eax, %cr4
        mov     $0xC0000080, %ecx               // EFER: long mode, system calls
        rdmsr
        or      $0x101, %eax
        wrmsr
        mov     $0x80000033, %eax               // paging, coprocessor present, protection
        mov     %eax, %cr0
        xor     %ecx, %ecx                      // XCR0: x87, SSE, AVX, AVX-512
        xor     %edx, %edx
        mov     $0xE7, %eax
        xsetbv
        lgdt    descriptors_pointer
        ljmp    $8, $long_mode

        .code64
long_mode:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        lea     stack_end, %rsp
        call    main

// Like Linux: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9; all registers but rax, rcx and r11 are kept.
        .globl  system_call_entry
system_call_entry:
        mov     %rsp, callers_stack
        lea     stack_end, %rsp
        push    %rcx
        push    %r11
        push    %r9
        push    %r8
        push    %r10
        push    %rdx
        push    %rsi
        push    %rdi
        push    %rax
        mov     %rsp, %rdi
        call    system_call
        pop     %rax
        pop     %rdi
        pop     %rsi
        pop     %rdx
        pop     %r10
        pop     %r8
        pop     %r9
        pop     %r11
        pop     %rcx
        mov     callers_stack, %rsp
        jmp     *%rcx

// run(entry, stack)
        .globl  run
run:
        mov     %rsi, %rsp
        xor     %edx, %edx
        xor     %ebp, %ebp
        jmp     *%rdi

        .data
        .align  8
descriptors:
        .quad   0, 0x00209A0000000000, 0x0000920000000000       // code, data
descriptors_pointer:
        .word   23
        .long   descriptors

        .bss
        .align  4096
page_map:
        .skip   4096
directory_pointers:
        .skip   4096
directory:
        .skip   4096
        .skip   16384
stack_end:
callers_stack:
        .skip   8

        .section .note.GNU-stack, "", @progbits
