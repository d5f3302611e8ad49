// Which sanitizer this runtime is built with; gcc and clang tell in different ways.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NTEMU_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define NTEMU_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(NTEMU_ASAN)
#define NTEMU_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(NTEMU_TSAN)
#define NTEMU_TSAN 1
#endif
