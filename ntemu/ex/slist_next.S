/* The one read of a sequenced list that may meet an entry which its new owner has freed, page and all: rax and edx are
   Next and 1, or 0 and 0 after the fault, for which the handler goes from Fault to Resume. The names are Windows'. */
        .text
        .globl  ntemu_slist_next
        .hidden ntemu_slist_next
        .type   ntemu_slist_next, @function
        .globl  ExpInterlockedPopEntrySListFault
        .hidden ExpInterlockedPopEntrySListFault
        .globl  ExpInterlockedPopEntrySListResume
        .hidden ExpInterlockedPopEntrySListResume
ntemu_slist_next:
        .cfi_startproc
        endbr64
        movl    $1, %edx
ExpInterlockedPopEntrySListFault:
        movq    (%rdi), %rax
        ret
ExpInterlockedPopEntrySListResume:
        xorl    %eax, %eax
        xorl    %edx, %edx
        ret
        .cfi_endproc
        .size   ntemu_slist_next, . - ntemu_slist_next
        .section .note.GNU-stack, "", @progbits
