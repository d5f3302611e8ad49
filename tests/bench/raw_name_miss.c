// The yardstick: openat() of names that do not exist; prints how many nanoseconds one takes.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

enum { kMisses = 20000, kPathSize = 4096 };

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv) {
  char path[kPathSize];
  long long total = 0;
  if (argc != 2) {
    fprintf(stderr, "usage: raw_name_miss DIRECTORY\n");
    return 2;
  }
  for (int index = 1; index <= kMisses; index++) {
    snprintf(path, sizeof path, "%s/missing_%d.txt", argv[1], index);
    const long long start = now();
    const int file = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    total += now() - start;
    if (file >= 0 || errno != ENOENT) {
      perror(path);
      return 1;
    }
  }
  printf("%lld\n", total / kMisses);
  return 0;
}
