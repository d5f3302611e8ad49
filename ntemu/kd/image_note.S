/* The note that leads from the kernel's image to a pointer to KdDebuggerDataBlock, without symbols: its type is kImageNote. */
        .section .note.ntemu,"a",@note
        .balign 4
        .long   6
        .long   8
        .long   0x4E540002
        .asciz  "NTEMU"
        .balign 4
        .quad   kdp_debugger_data - .
        .section .note.GNU-stack,"",@progbits
