#include "tools/ntcc/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace ntemu::ntcc {
namespace {

volatile sig_atomic_t child = 0;

void forward_signal(int number) {
  if (child > 0) kill(child, number);
}

// Lets ntcc survive Ctrl-C long enough to remove its temporary files; the compiler gets the signal.
void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = forward_signal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
}

std::string read_all(int descriptor) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t count = read(descriptor, buffer, sizeof(buffer));
    if (count > 0) {
      text.append(buffer, static_cast<size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      return text;
    }
  }
}

}  // namespace

RunResult run(const Arguments &arguments, Capture capture) {
  std::vector<char *> argv;
  for (const std::string &argument : arguments) argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);

  int ends[2] = {-1, -1};
  if (capture != Capture::kNothing && pipe2(ends, O_CLOEXEC) != 0) return {127, {}};
  catch_signals();
  const pid_t pid = fork();
  if (pid < 0) return {127, {}};
  if (pid == 0) {
    if (capture != Capture::kNothing) {
      dup2(ends[1], capture == Capture::kOutput ? STDOUT_FILENO : STDERR_FILENO);
      setenv("LC_ALL", "C", 1);
    }
    if (capture == Capture::kOutput) {
      const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
      dup2(null, STDERR_FILENO);
    }
    execvp(argv[0], argv.data());
    _exit(127);
  }
  child = pid;
  RunResult result;
  if (capture != Capture::kNothing) {
    close(ends[1]);
    result.output = read_all(ends[0]);
    close(ends[0]);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  child = 0;
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

std::string shell_line(const Arguments &arguments) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_-+=:,./";
  std::string line;
  for (const std::string &argument : arguments) {
    if (!line.empty()) line += ' ';
    if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string::npos) {
      line += argument;
      continue;
    }
    line += '\'';
    for (const char c : argument) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace ntemu::ntcc
