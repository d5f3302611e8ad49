#include "ntemu/kd/dump_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace ntemu::kd {
namespace {

constexpr size_t kLongestSuffix = 16;

void write_number(char *text, uint64_t number) {
  char digits[24];
  int length = 0;
  do {
    digits[length++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number);
  while (length) *text++ = digits[--length];
  *text = 0;
}

// PATH.number; PATH for 0.
void name_of(char (&name)[PATH_MAX], const char *path, unsigned number) {
  std::strcpy(name, path);
  if (number == 0) return;
  std::strcat(name, ".");
  write_number(name + std::strlen(name), number);
}

bool names_file(const char *path, int file) {
  struct stat named, opened;
  return lstat(path, &named) == 0 && fstat(file, &opened) == 0 && named.st_ino == opened.st_ino &&
         named.st_dev == opened.st_dev;
}

}  // namespace

Message &Message::operator<<(const char *text) {
  for (; *text && used_ + 1 < sizeof text_; ++text) text_[used_++] = *text;
  return *this;
}

Message &Message::operator<<(uint64_t number) {
  char text[24];
  write_number(text, number);
  return *this << text;
}

Message &Message::add_error(int error) {
  const char *text = strerrordesc_np(error);  // unlike strerror, it only looks the text up
  return text ? *this << text : *this << "error " << static_cast<uint64_t>(error);
}

int DumpFile::begin(const char *path, Message &message) {
  const auto fail = [&](int error) {
    (message << "cannot write " << path << ": ").add_error(error);
    return error;
  };
  if (std::strlen(path) + kLongestSuffix > PATH_MAX) return fail(ENAMETOOLONG);
  std::strcpy(path_, path);
  std::strcpy(temporary_, path);
  std::strcat(temporary_, ".tmp");
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) return fail(S_ISDIR(info.st_mode) ? EISDIR : EINVAL);
  // One that a killed process has left is taken over; who writes one has it locked.
  for (;;) {
    file_ = open(temporary_, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file_ < 0) return fail(errno);
    if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      close(file_);
      file_ = -1;
      if (error != EWOULDBLOCK) return fail(error);
      message << "a dump is being written to " << path << " already";
      return EBUSY;
    }
    if (names_file(temporary_, file_)) break;
    close(file_);
  }
  if (ftruncate(file_, 0) == 0) return 0;
  const int error = errno;
  discard();
  return fail(error);
}

int DumpFile::rotate(unsigned keep) {
  struct stat info;
  if (keep == 0 || lstat(path_, &info) != 0) return 0;
  for (unsigned number = keep; number > 0; --number) {
    name_of(from_, path_, number - 1);
    name_of(to_, path_, number);
    if (rename(from_, to_) != 0 && errno != ENOENT) return errno;
  }
  return 0;
}

int DumpFile::commit(unsigned keep, Message &message) {
  int error = rotate(keep);
  if (error) {
    (message << "cannot rename " << from_ << " to " << to_ << ": ").add_error(error);
  } else if (rename(temporary_, path_) != 0) {
    error = errno;
    (message << "cannot rename " << temporary_ << ": ").add_error(error);
  }
  if (error) {
    discard();
    return error;
  }
  close(file_);
  file_ = -1;
  return 0;
}

void DumpFile::discard() {
  if (file_ < 0) return;
  unlink(temporary_);
  close(file_);
  file_ = -1;
}

}  // namespace ntemu::kd
