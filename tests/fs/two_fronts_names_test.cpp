// Names of every kind through both fronts: whatever they are, nothing outside the volume is touched.
#include <fcntl.h>
#include <linux/fuse.h>

#include <map>

#include "tests/fs/two_fronts.h"

namespace ntemu::fs::test {
namespace {

using ntemu::test::rounds;
namespace host = std::filesystem;

constexpr uint32_t kSeed = 20261126;
constexpr std::u16string_view kForbidden = u"\"*/:<>?\\|";

// Everything about a tree that a stray write could change.
std::map<std::string, std::string> snapshot(const host::path &root) {
  std::map<std::string, std::string> all;
  for (host::recursive_directory_iterator it(root), end; it != end; ++it) {
    const host::path inside = it->path().lexically_relative(root);
    const std::string top = inside.begin()->string();
    if (top == "DosDevices" || (top == "machine" && inside.filename() == "drive_c")) {
      it.disable_recursion_pending();
      continue;
    }
    if (top == "machine" && !inside.string().starts_with("machine/beside")) continue;
    struct stat status;
    EXPECT_EQ(::lstat(it->path().c_str(), &status), 0);
    std::ostringstream text;
    text << status.st_mode << ' ' << status.st_ino << ' ' << status.st_nlink << ' ' << status.st_mtim.tv_sec << ' '
         << status.st_mtim.tv_nsec << ' ' << status.st_ctim.tv_sec << ' ' << status.st_ctim.tv_nsec << ' ';
    if (it->is_symlink()) {
      text << host::read_symlink(it->path()).string();
    } else if (it->is_regular_file()) {
      text << std::ifstream(it->path()).rdbuf();
    }
    all.emplace(inside.string(), text.str());
  }
  return all;
}

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}
  unsigned below(size_t limit) { return static_cast<unsigned>(random_() % limit); }

  std::u16string name() {
    static const std::u16string fixed[] = {u".",        u"..",     u"...", u". .",  u"..\\x", u"../..", u"../../secret",
                                           u"C:",       u"CON",    u"NUL", u"a.",   u"a ",    u"",      u"absolute",
                                           u"ABSOLUTE", u"file",   u"up",  u"upup", u"root",  u"loop",  u"chain",
                                           u"passwd",   u"inside", u"d"};
    switch (below(8)) {
      case 0:
        return fixed[below(std::size(fixed))];
      case 1:
        return letters(1 + below(12), [&] { return static_cast<char16_t>(u'a' + below(4)); });
      case 2:
        return letters(1 + below(6), [&] { return below(2) ? kForbidden[below(kForbidden.size())] : u'x'; });
      case 3:
        return letters(1 + below(6), [&] { return static_cast<char16_t>(0xF000 + below(0x80)); });
      case 4:
        return letters(1 + below(5), [&] { return static_cast<char16_t>(0xD7FE + below(0x804)); });
      case 5:
        return letters(1 + below(5), [&] { return static_cast<char16_t>(below(0x20)); });
      case 6:
        return letters(240 + below(30), [&] { return below(300) ? u'l' : u'L'; });
      default:
        return letters(1 + below(90), [&] { return static_cast<char16_t>(1 + below(0xFFFF)); });
    }
  }
  std::u16string path(char16_t separator) {
    std::u16string result = name();
    for (unsigned more = below(4) ? 0 : below(4); more > 0; --more) result += separator + name();
    return result;
  }

 private:
  template <class Letter>
  std::u16string letters(size_t count, Letter letter) {
    std::u16string text;
    while (text.size() < count) text += letter();
    return text;
  }

  std::mt19937 random_;
};

// As docs/semantics-files.md has it: what Linux calls a name that a driver may have made.
std::string linux_name(std::u16string name) {
  for (char16_t &c : name) {
    const auto low = static_cast<char16_t>(c - 0xF000);
    if (low > 0 && low < 0x80 && low != u'/' && (low < 0x20 || kForbidden.find(low) != std::u16string_view::npos)) {
      c = low;
    }
  }
  return base::to_utf8(name);
}

class TwoFrontsNames : public TwoFronts {
 protected:
  void prepare() override {
    const host::path root = scratch_.path();
    for (const host::path &tree : {root / "canary", root / "machine" / "beside"}) {
      host::create_directories(tree / "d" / "deep");
      std::ofstream(tree / "file") << "canary";
      std::ofstream(tree / "d" / "deep" / "file") << "deep canary";
    }
    std::ofstream(root / "secret") << "secret";
    if (!GetParam().on_host) {
      before_ = snapshot(root);
      return;
    }
    host::create_directory(drive_c() / "d");
    host::create_directory_symlink(root / "canary", drive_c() / "absolute");
    host::create_symlink(root / "secret", drive_c() / "file");
    host::create_directory_symlink("..", drive_c() / "up");
    host::create_directory_symlink("../../canary", drive_c() / "upup");
    host::create_directory_symlink("/", drive_c() / "root");
    host::create_symlink("loop", drive_c() / "loop");
    host::create_symlink("absolute", drive_c() / "chain");
    host::create_symlink("/etc/passwd", drive_c() / "passwd");
    host::create_directory_symlink("d", drive_c() / "inside");
    before_ = snapshot(root);
  }
  void SetUp() override {
    TwoFronts::SetUp();
    if (!IsSkipped() && !HasFatalFailure() && !GetParam().on_host) {
      ASSERT_EQ(program().mkdir("C:/d"), 0);
    }
  }
  void expect_untouched() { ASSERT_EQ(snapshot(scratch_.path()), before_); }

  // One call by a driver with a name drawn.
  void drive(Generator &draw) {
    const Driver::Raw name{(draw.below(20) ? u"\\??\\C:\\" : u"\\??\\C:") + draw.path(u'\\')};
    const unsigned what = draw.below(6);
    const bool directory = what == 1;
    Driver driver(name, {.access = FILE_READ_DATA | FILE_WRITE_DATA | DELETE,
                         .disposition = what < 2 ? ULONG{FILE_OPEN_IF} : ULONG{FILE_OPEN},
                         .options = directory ? ULONG{FILE_DIRECTORY_FILE} : 0});
    check(driver.status(), name);
    if (!NT_SUCCESS(driver.status())) return;
    if (what == 2) check(driver.dispose(), name);
    if (what == 3) check(driver.rename(Driver::Raw{u"\\??\\C:\\" + draw.path(u'\\')}, draw.below(2)), name);
    if (what == 4 && !directory) static_cast<void>(driver.write("driver"));
  }
  void check(NTSTATUS status, const Driver::Raw &name) {
    ASSERT_NE(status, STATUS_UNEXPECTED_IO_ERROR) << base::to_utf8(name.path);
    ASSERT_NE(status, STATUS_RETRY) << base::to_utf8(name.path);
  }

  std::string linux_path(Generator &draw) {
    std::string path = draw.below(3) ? linux_name(draw.path(u'/')) : base::to_utf8(draw.path(u'/'));
    if (draw.below(10) == 0) path[draw.below(path.size() + 1)] = static_cast<char>(1 + draw.below(255));
    std::erase(path, '\0');
    if (!GetParam().mount) return "C:/" + path;
    // On a mount the kernel itself goes up from the drive, to where the mount is.
    for (size_t at; (at = ("/" + path + "/").find("/../")) != std::string::npos;) path.replace(at, 2, "x");
    return "C:/" + path;
  }
  // One call by a Linux program with a name drawn.
  void run(Generator &draw) {
    const std::string path = linux_path(draw);
    std::set<std::string> names;
    int error = 0;
    switch (draw.below(7)) {
      case 0:
        error = program().error_of_open(path, O_RDWR | O_CREAT);
        break;
      case 1:
        error = program().put(path, "Linux");
        break;
      case 2:
        error = program().mkdir(path);
        break;
      case 3:
        error = program().unlink(path);
        break;
      case 4:
        error = program().rmdir(path);
        break;
      case 5:
        error = program().rename(path, linux_path(draw));
        break;
      default:
        error = draw.below(50) ? program().error_of_stat(path) : program().list(path, names);
    }
    ASSERT_NE(error, EIO) << path;
  }
  // Requests that the kernel never makes: names with slashes, "..", empty ones, straight to a directory.
  void run_raw(Generator &draw) {
    SocketFront::Walk walk(*socket(), draw.below(2) ? "C:" : "C:/d");
    if (walk.error()) {  // removed by its name
      program().mkdir("C:/d");
      return;
    }
    FusePeer &peer = socket()->peer();
    std::string name = base::to_utf8(draw.path(u'/'));
    std::erase(name, '\0');
    FuseAnswer answer;
    switch (draw.below(5)) {
      case 0: {
        answer = peer.ask(FUSE_LOOKUP, walk.node(), zero_ended(name));
        break;
      }
      case 1: {
        fuse_mkdir_in mkdir{};
        mkdir.mode = 0755;
        answer = peer.ask(FUSE_MKDIR, walk.node(), packed(mkdir, zero_ended(name)));
        break;
      }
      case 2:
        peer.ask(FUSE_UNLINK, walk.node(), zero_ended(name));
        return;
      case 3:
        peer.ask(FUSE_RMDIR, walk.node(), zero_ended(name));
        return;
      default: {
        const std::string other = linux_name(draw.name());
        if (other.find('\0') != std::string::npos) return;
        peer.ask(FUSE_RENAME, walk.node(),
                 packed(fuse_rename_in{SocketFront::kRoot + draw.below(40)}, zero_ended(name) + zero_ended(other)));
        return;
      }
    }
    if (answer.error == 0) {
      peer.tell(FUSE_FORGET, answer.as<fuse_entry_out>().nodeid, packed(fuse_forget_in{1}));
    }
  }

 private:
  std::map<std::string, std::string> before_;
};

TEST_P(TwoFrontsNames, NothingOutsideIsTouched) {
  std::cout << "seed " << kSeed << std::endl;
  Generator draw(kSeed);
  const int steps = rounds(10'000, 200'000);
  for (int step = 0; step < steps; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    if (step % 2) {
      drive(draw);
    } else if (socket() && draw.below(3) == 0) {
      run_raw(draw);
    } else {
      run(draw);
    }
    if (HasFatalFailure()) return;
    if (step % 5000 == 0) expect_untouched();
    if (HasFatalFailure()) return;
  }
  expect_untouched();
}

TEST_P(TwoFrontsNames, EachSideKnowsWhatTheOtherMade) {
  std::cout << "seed " << kSeed + 1 << std::endl;
  Generator draw(kSeed + 1);
  int made = 0;
  for (int step = 0; step < rounds(2'000, 50'000); ++step) {
    const std::u16string name = draw.name();
    SCOPED_TRACE("step " + std::to_string(step) + ": " + base::to_utf8(name));
    Driver driver(Driver::Raw{u"\\??\\C:\\d\\" + name}, {.disposition = FILE_CREATE});
    if (!NT_SUCCESS(driver.status())) continue;
    ++made;
    ASSERT_EQ(program().error_of_stat("C:/d/" + linux_name(name)), 0);
    std::set<std::string> names;
    ASSERT_EQ(program().list("C:/d", names), 0);
    ASSERT_TRUE(names.contains(linux_name(name)));
    ASSERT_EQ(program().unlink("C:/d/" + linux_name(name)), 0);
    driver.close();
    ASSERT_EQ(program().put("C:/d/" + linux_name(name), "Linux"), 0);
    Driver found(Driver::Raw{u"\\??\\C:\\d\\" + name}, {.options = FILE_DELETE_ON_CLOSE});
    ASSERT_EQ(found.status(), STATUS_SUCCESS);
    ASSERT_EQ(found.read(), "Linux");
  }
  EXPECT_GT(made, 500);
}

TEST_P(TwoFrontsNames, LinksStayWithinTheVolume) {
  if (!GetParam().on_host) GTEST_SKIP() << "a volume in memory has no links";
  for (const char *path : {"C:/absolute/file", "C:/file", "C:/upup/file", "C:/chain/file", "C:/passwd"}) {
    SCOPED_TRACE(path);
    EXPECT_NE(program().error_of_open(path, O_RDONLY), 0);
    EXPECT_NE(program().put(path, "written"), 0);
    EXPECT_FALSE(NT_SUCCESS(Driver(path, {.disposition = FILE_OPEN_IF}).status()));
  }
  EXPECT_EQ(program().put("C:/up/written", "above is here"), 0);
  EXPECT_EQ(program().get("C:/written"), "above is here");
  EXPECT_EQ(program().put("C:/root/d/f", "inside"), 0);
  EXPECT_EQ(Driver("C:/inside/f").read(), "inside");
  expect_untouched();
}

INSTANTIATE_TEST_SUITE_P(By, TwoFrontsNames, all_settings(), name_of);

}  // namespace
}  // namespace ntemu::fs::test
