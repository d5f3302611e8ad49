/* KiSwapContext(rdi KernelStack, rsi Word, edx Expected, rcx Limit, r8d Operation): the last kernel frame of every waiting thread.
   The registers are in memory, so a debugger or a dump reader unwinds the thread without stopping it. */
        .text
        .globl  KiSwapContext
        .hidden KiSwapContext
        .type   KiSwapContext, @function
KiSwapContext:
        .cfi_startproc
        endbr64
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        movq    %rsp, (%rdi)
        movq    %rsi, %rdi
        movl    %r8d, %esi
        movq    %rcx, %r10
        xorl    %r8d, %r8d
        movl    $-1, %r9d               /* FUTEX_BITSET_MATCH_ANY */
        movl    $202, %eax              /* SYS_futex */
        syscall
.Lresume:
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        ret
        .cfi_endproc
        .size   KiSwapContext, .-KiSwapContext
/* Where every waiting thread is; a label in the code would be taken for a function of its own. */
        .section .data.rel.ro,"aw",@progbits
        .balign 8
        .globl  KiSwapContextResume
        .hidden KiSwapContextResume
        .type   KiSwapContextResume, @object
        .size   KiSwapContextResume, 8
KiSwapContextResume:
        .quad   .Lresume
        .section .note.GNU-stack,"",@progbits
