#include "ntemu/testing/child.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "ntemu/ke/bugcheck.h"
#include "ntemu/machine/leave.h"

namespace ntemu::testing {
namespace {

constexpr int kFailed = 71;  // no sanitizer ends a process with it

struct Pipe {
  std::array<int, 2> ends{};
  Pipe() {
    if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe to a child process");
  }
  ~Pipe() {
    for (int &end : ends) shut(end);
  }
  Pipe(const Pipe &) = delete;
  Pipe &operator=(const Pipe &) = delete;
  static void shut(int &end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

[[noreturn]] void be_child(const std::function<void(const Tell &)> &body, int told, int output) {
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  setvbuf(stdout, nullptr, _IONBF, 0);
  const int failed_before = ::testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count();
  bool failed = false;
  try {
    body([told](const std::string &line) {
      const std::string text = line + "\n";
      if (write(told, text.data(), text.size()) != static_cast<ssize_t>(text.size())) _exit(kFailed);
    });
  } catch (const std::exception &error) {
    std::printf("%s\n", error.what());
    failed = true;
  }
  const auto &result = *::testing::UnitTest::GetInstance()->current_test_info()->result();
  for (int i = failed_before; i < result.total_part_count(); ++i) failed |= result.GetTestPartResult(i).failed();
  std::fflush(nullptr);
  machine::exit_now(failed ? kFailed : 0);
}

// Reads both until both are closed or the time is over; false then.
bool read_all(int told, int output, ChildResult &result, std::string &told_text, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  std::array<pollfd, 2> ends{{{told, POLLIN, 0}, {output, POLLIN, 0}}};
  std::array<std::string *, 2> texts{&told_text, &result.output};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0 || poll(ends.data(), ends.size(), static_cast<int>(left)) == 0) return false;
    for (size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t bytes = read(ends[i].fd, buffer, sizeof buffer);
      if (bytes > 0) {
        texts[i]->append(buffer, static_cast<size_t>(bytes));
      } else {
        ends[i].fd = -1;
      }
    }
  }
  return true;
}

std::string problem_of(int status) {
  if (WIFSIGNALED(status)) return std::string("crashed (") + strsignal(WTERMSIG(status)) + ")";
  if (WEXITSTATUS(status) == 0) return "";
  if (WEXITSTATUS(status) == kFailed) return "failed";
  if (WEXITSTATUS(status) == ke::kBugcheckExitCode) return "bugchecked";
  return "crashed (exit code " + std::to_string(WEXITSTATUS(status)) + ")";
}

}  // namespace

ChildResult run_in_child(const std::function<void(const Tell &)> &body, std::chrono::seconds patience) {
  Pipe told, output;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no child process");
  if (child == 0) be_child(body, told.ends[1], output.ends[1]);
  Pipe::shut(told.ends[1]);
  Pipe::shut(output.ends[1]);
  ChildResult result;
  std::string text;
  const bool in_time = read_all(told.ends[0], output.ends[0], result, text, patience);
  if (!in_time) kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  result.problem = in_time ? problem_of(status) : "hung";
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != text.npos; begin = end + 1)
    result.told.push_back(text.substr(begin, end - begin));
  return result;
}

}  // namespace ntemu::testing
