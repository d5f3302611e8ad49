/* The functions that compilers call on their own account. Weak: a driver may define them itself, as with the WDK. */
#include <stddef.h>

extern void *nt_memcpy(void *to, const void *from, size_t size);
extern void *nt_memmove(void *to, const void *from, size_t size);
extern void *nt_memset(void *to, int value, size_t size);
extern int nt_memcmp(const void *left, const void *right, size_t size);

__attribute__((weak)) void *memcpy(void *to, const void *from, size_t size) { return nt_memcpy(to, from, size); }
__attribute__((weak)) void *memmove(void *to, const void *from, size_t size) { return nt_memmove(to, from, size); }
__attribute__((weak)) void *memset(void *to, int value, size_t size) { return nt_memset(to, value, size); }
__attribute__((weak)) int memcmp(const void *left, const void *right, size_t size) {
  return nt_memcmp(left, right, size);
}
int bcmp(const void *left, const void *right, size_t size);
__attribute__((weak)) int bcmp(const void *left, const void *right, size_t size) {
  return nt_memcmp(left, right, size);
}

#ifdef NTDRVRT_SANITIZED
/* Newer clang calls these, which the ThreadSanitizer library of gcc lacks; the kernel's own are instrumented. */
void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memmove(void *to, const void *from, size_t size);
void *__tsan_memset(void *to, int value, size_t size);

__attribute__((weak)) void *__tsan_memcpy(void *to, const void *from, size_t size) { return memcpy(to, from, size); }
__attribute__((weak)) void *__tsan_memmove(void *to, const void *from, size_t size) { return memmove(to, from, size); }
__attribute__((weak)) void *__tsan_memset(void *to, int value, size_t size) { return memset(to, value, size); }
#endif
