// The yardstick: the work of the kmutex sample in raw system calls; prints how many nanoseconds it took.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { kFiles = 1000, kLines = 100, kPathSize = 4096 };

static void check(long result, const char *what) {
  if (result < 0) {
    perror(what);
    exit(1);
  }
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv) {
  static const char line[] = "Sample record\r\n";
  char old_path[kPathSize], new_path[kPathSize];
  if (argc != 2) {
    fprintf(stderr, "usage: raw_workload DIRECTORY    (with Temp and Temp2 in it)\n");
    return 2;
  }
  const long long start = now();
  for (int index = 0; index < kFiles; index++) {
    snprintf(old_path, sizeof old_path, "%s/Temp/file_%d.txt", argv[1], index);
    const int file = openat(AT_FDCWD, old_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
    check(file, "openat");
    for (int count = 0; count < kLines; count++) check(write(file, line, sizeof line - 1), "write");
    check(close(file), "close");
  }
  for (int index = 0; index < kFiles; index++) {
    snprintf(old_path, sizeof old_path, "%s/Temp/file_%d.txt", argv[1], index);
    snprintf(new_path, sizeof new_path, "%s/Temp2/NewFile_%d.txt", argv[1], index);
    check(rename(old_path, new_path), "rename");
  }
  printf("%lld\n", now() - start);
  return 0;
}
