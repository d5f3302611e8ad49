#include "tools/kd/prompt.h"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "tools/kd/commands.h"

namespace ntemu::debug {
namespace {

namespace stdfs = std::filesystem;

constexpr int kRemembered = 1000;

char *prompt_text(EditLine *) {
  static std::string text = kPrompt;
  return text.data();
}

// Where the history is kept between runs; empty: nowhere.
std::string history_file() {
  const char *state = std::getenv("XDG_STATE_HOME"), *home = std::getenv("HOME");
  stdfs::path directory;
  if (state && *state == '/') {
    directory = state;
  } else if (home && *home) {
    directory = stdfs::path(home) / ".local/state";
  } else {
    return "";
  }
  std::error_code error;
  stdfs::create_directories(directory / "ntemu", error);
  return error ? "" : (directory / "ntemu/kd_history").string();
}

std::vector<std::string> names_that_begin_with(std::string_view start) {
  std::vector<std::string> found;
  for (const Command *command : all_commands()) {
    std::string_view names = command->names;
    while (!names.empty()) {
      const size_t end = std::min(names.find(' '), names.size());
      if (names.substr(0, end).starts_with(start)) found.emplace_back(names.substr(0, end));
      names.remove_prefix(std::min(end + 1, names.size()));
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Completes the name of the command as far as that is certain, else shows what it may become.
unsigned char complete(EditLine *editor, int) {
  const LineInfo *line = el_line(editor);
  const std::string typed(line->buffer, line->cursor);
  const size_t start = typed.find_last_of("; ") + 1;
  if (typed.find_first_not_of(' ', typed.rfind(';') + 1) < start) return CC_ERROR;  // behind a command's name
  const std::string word = typed.substr(start);
  const auto names = names_that_begin_with(word);
  if (names.empty()) return CC_ERROR;
  const std::string &first = names.front(), &last = names.back();
  size_t common = 0;
  while (common < first.size() && common < last.size() && first[common] == last[common]) ++common;
  std::string more = first.substr(word.size(), common - word.size());
  if (names.size() == 1) more += ' ';
  if (!more.empty()) return el_insertstr(editor, more.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  std::fputc('\n', stdout);
  for (const std::string &name : names) std::printf("%s  ", name.c_str());
  std::fputc('\n', stdout);
  return CC_REDISPLAY;
}

}  // namespace

Prompt::Prompt() : editor_(el_init("kd", stdin, stdout, stderr)), history_(history_init()) {
  HistEvent event;
  history(history_, &event, H_SETSIZE, kRemembered);
  history(history_, &event, H_SETUNIQUE, 1);
  if (const std::string file = history_file(); !file.empty()) history(history_, &event, H_LOAD, file.c_str());
  el_set(editor_, EL_PROMPT, prompt_text);
  el_set(editor_, EL_EDITOR, "emacs");
  el_set(editor_, EL_HIST, history, history_);
  // Ctrl-C gives up the line, not kd.
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGINT, &action, nullptr);
  el_set(editor_, EL_ADDFN, "kd-complete", "Completes the name of a command", complete);
  el_set(editor_, EL_BIND, "^I", "kd-complete", nullptr);
  el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_source(editor_, nullptr);
}

Prompt::~Prompt() {
  HistEvent event;
  const mode_t before = umask(077);
  if (const std::string file = history_file(); !file.empty()) history(history_, &event, H_SAVE, file.c_str());
  umask(before);
  history_end(history_);
  el_end(editor_);
}

std::optional<std::string> Prompt::read() {
  int length = 0;
  const char *line = nullptr;
  while (!(line = el_gets(editor_, &length)) && length < 0 && errno == EINTR) {
    std::fputs("^C\n", stdout);
    el_reset(editor_);
  }
  if (!line || length <= 0) return std::nullopt;
  std::string text(line, static_cast<size_t>(length));
  while (text.ends_with('\n')) text.pop_back();
  HistEvent event;
  if (text.find_first_not_of(' ') != text.npos) history(history_, &event, H_ENTER, text.c_str());
  return text;
}

}  // namespace ntemu::debug
