/* Where -fstack-protector and abstract classes end up when something is wrong. */

extern void nt_stack_check_failed(void *return_address, void *frame) __attribute__((noreturn));

void __stack_chk_fail(void) __attribute__((noreturn));
/* With the frame of the function that found it, which has its cookie. */
void __stack_chk_fail(void) { nt_stack_check_failed(__builtin_return_address(0), *(void **)__builtin_frame_address(0)); }

void __cxa_pure_virtual(void) __attribute__((noreturn));
void __cxa_pure_virtual(void) { __builtin_trap(); }
