// A Linux program and a driver meet at one file, in every order: share modes, deletion, renaming, case.
#include <fcntl.h>
#include <linux/fs.h>

#include "tests/fs/two_fronts.h"

namespace ntemu::fs::test {
namespace {

using ntemu::test::rounds;
using Names = std::set<std::string>;

constexpr int kLinuxModes[] = {O_RDONLY, O_WRONLY, O_RDWR};
constexpr unsigned kWays = 8;

Driver::Ask ask_of(const Opener &opener) { return {opener.access, opener.share, FILE_OPEN, 0}; }

std::string describe(unsigned wants, unsigned shares, int flags) {
  return "driver wants " + std::to_string(wants) + " and shares " + std::to_string(shares) + ", Linux opens with " +
         std::to_string(flags);
}

TEST_P(TwoFronts, ShareModesInBothOrders) {
  ASSERT_EQ(program().put("C:/f", "data"), 0);
  for (unsigned wants = 0; wants < kWays; ++wants) {
    for (unsigned shares = 0; shares < kWays; ++shares) {
      for (const int flags : kLinuxModes) {
        SCOPED_TRACE(describe(wants, shares, flags));
        const Opener mine = driver_opener(wants, shares);
        const Opener theirs = linux_opener(flags);
        {
          ShareRules rules;
          rules.add(mine);
          Driver driver("C:/f", ask_of(mine));
          ASSERT_EQ(driver.status(), STATUS_SUCCESS);
          ASSERT_EQ(program().error_of_open("C:/F", flags), rules.admits(theirs) ? 0 : EBUSY);
        }
        ShareRules rules;
        rules.add(theirs);
        int file = -1;
        ASSERT_EQ(program().open("C:/f", flags, file), 0);
        EXPECT_EQ(Driver("C:/F", ask_of(mine)).status(),
                  rules.admits(mine) ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION);
        ASSERT_EQ(program().close(file), 0);
      }
    }
  }
}

TEST_P(TwoFronts, AnyNumberOfOpensInAnyOrder) {
  ASSERT_EQ(program().put("C:/f", "data"), 0);
  struct Open {
    Opener opener;
    std::unique_ptr<Driver> driver;
    int file;
  };
  std::vector<Open> opens;
  ShareRules rules;
  std::mt19937 random(20260);
  for (int step = 0; step < rounds(3000, 100000); ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    const auto draw = [&](size_t below) { return static_cast<unsigned>(random() % below); };
    if (!opens.empty() && (opens.size() == 8 || draw(5) < 2)) {
      const size_t index = draw(opens.size());
      rules.remove(opens[index].opener);
      if (!opens[index].driver) {
        ASSERT_EQ(program().close(opens[index].file), 0);
      }
      opens.erase(opens.begin() + static_cast<ptrdiff_t>(index));
    } else if (draw(2)) {
      const int flags = kLinuxModes[draw(3)];
      int file = -1;
      const int error = program().open("C:/f", flags, file);
      ASSERT_EQ(error, rules.admits(linux_opener(flags)) ? 0 : EBUSY);
      if (error) continue;
      opens.push_back({linux_opener(flags), nullptr, file});
      rules.add(linux_opener(flags));
    } else {
      // Mostly generous, or hardly anybody would ever meet a third one.
      const Opener opener = driver_opener(draw(kWays), draw(3) ? kWays - 1 : draw(kWays));
      auto driver = std::make_unique<Driver>("C:/f", ask_of(opener));
      ASSERT_EQ(driver->status(), rules.admits(opener) ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION);
      if (!NT_SUCCESS(driver->status())) continue;
      opens.push_back({opener, std::move(driver), -1});
      rules.add(opener);
    }
  }
  for (const Open &open : opens) {
    if (!open.driver) program().close(open.file);
  }
}

TEST_P(TwoFronts, OneTruthWhileBothHaveItOpen) {
  int file = -1;
  ASSERT_EQ(program().open("C:/f", O_RDWR | O_CREAT | O_EXCL, file), 0);
  Driver driver("C:/f", {});
  ASSERT_EQ(driver.status(), STATUS_SUCCESS);
  ASSERT_EQ(program().write(file, "from Linux"), 0);
  EXPECT_EQ(driver.read(), "from Linux");
  ASSERT_EQ(driver.write("FROM NT   and more"), STATUS_SUCCESS);
  std::string data(100, 0);
  ASSERT_EQ(program().read(file, data), 0);
  EXPECT_EQ(data, "FROM NT   and more");
  struct stat status;
  ASSERT_EQ(program().stat("C:/f", status), 0);
  EXPECT_EQ(status.st_size, 18);
  ASSERT_EQ(program().error_of_open("C:/f", O_WRONLY | O_TRUNC), 0);
  EXPECT_EQ(driver.read(), "");
  ASSERT_EQ(program().close(file), 0);
}

TEST_P(TwoFronts, CreationMeetsCreation) {
  ASSERT_EQ(program().put("C:/Linux", ""), 0);
  EXPECT_EQ(Driver("C:/lINUX", {.disposition = FILE_CREATE}).status(), STATUS_OBJECT_NAME_COLLISION);
  ASSERT_EQ(Driver("C:/Nt", {.disposition = FILE_CREATE}).status(), STATUS_SUCCESS);
  EXPECT_EQ(program().error_of_open("C:/nT", O_WRONLY | O_CREAT | O_EXCL), EEXIST);
  EXPECT_EQ(program().mkdir("C:/NT"), EEXIST);
  EXPECT_EQ(Driver("C:/none").status(), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(program().error_of_open("C:/none", O_RDONLY), ENOENT);
}

// --- deletion ---

TEST_P(TwoFronts, UnlinkAsTheDriversShareAllows) {
  for (unsigned wants = 0; wants < kWays; ++wants) {
    for (unsigned shares = 0; shares < kWays; ++shares) {
      SCOPED_TRACE(describe(wants, shares, 0));
      ASSERT_EQ(program().put("C:/f", "data"), 0);
      const Opener mine = driver_opener(wants, shares);
      ShareRules rules;
      rules.add(mine);
      Driver driver("C:/f", ask_of(mine));
      ASSERT_EQ(driver.status(), STATUS_SUCCESS);
      const bool allowed = rules.admits({DELETE, kShareAll});
      ASSERT_EQ(program().unlink("C:/F"), allowed ? 0 : EBUSY);
      Names names;
      ASSERT_EQ(program().list("C:", names), 0);
      EXPECT_EQ(names, allowed ? Names{} : Names{"f"});
      if (wants & 1) {
        EXPECT_EQ(driver.read(), "data");
      }
      driver.close();
      ASSERT_EQ(program().error_of_stat("C:/f"), allowed ? ENOENT : 0);
    }
  }
}

TEST_P(TwoFronts, DriversPendingDeletionKeepsLinuxOut) {
  ASSERT_EQ(program().put("C:/f", "data"), 0);
  int file = -1;
  ASSERT_EQ(program().open("C:/f", O_RDONLY, file), 0);
  Driver driver("C:/f", {});
  ASSERT_EQ(driver.dispose(), STATUS_SUCCESS);
  EXPECT_EQ(program().error_of_open("C:/f", O_RDONLY), EBUSY);
  EXPECT_EQ(program().error_of_open("C:/f", O_RDWR | O_CREAT | O_TRUNC), EBUSY);
  EXPECT_EQ(program().unlink("C:/F"), EBUSY);
  ASSERT_EQ(program().put("C:/g", "other"), 0);
  EXPECT_EQ(program().rename("C:/g", "C:/f"), EBUSY);
  EXPECT_EQ(program().rename("C:/f", "C:/h"), EBUSY);
  Names names;
  ASSERT_EQ(program().list("C:", names), 0);
  EXPECT_EQ(names, (Names{"f", "g"}));
  driver.close();
  EXPECT_EQ(program().error_of_open("C:/f", O_RDONLY), EBUSY) << "Linux has it open itself";
  std::string data(10, 0);
  ASSERT_EQ(program().read(file, data), 0);
  EXPECT_EQ(data, "data");
  ASSERT_EQ(program().close(file), 0);
  EXPECT_EQ(program().error_of_stat("C:/f"), ENOENT);
  EXPECT_EQ(program().rename("C:/g", "C:/f"), 0);
}

TEST_P(TwoFronts, DeletionThatIsTakenBackChangesNothing) {
  ASSERT_EQ(program().put("C:/f", "data"), 0);
  Driver driver("C:/f", {});
  ASSERT_EQ(driver.dispose(), STATUS_SUCCESS);
  ASSERT_EQ(program().error_of_open("C:/f", O_RDONLY), EBUSY);
  ASSERT_EQ(driver.dispose(false), STATUS_SUCCESS);
  driver.close();
  EXPECT_EQ(program().get("C:/f"), "data");
}

TEST_P(TwoFronts, UnlinkedWhileLinuxHasItOpen) {
  ASSERT_EQ(program().put("C:/f", "old"), 0);
  int file = -1;
  ASSERT_EQ(program().open("C:/f", O_RDWR, file), 0);
  ASSERT_EQ(program().unlink("C:/f"), 0);
  EXPECT_EQ(Driver("C:/f").status(), STATUS_OBJECT_NAME_NOT_FOUND);
  Driver fresh("C:/f", {.disposition = FILE_CREATE});
  ASSERT_EQ(fresh.write("new"), STATUS_SUCCESS);
  std::string data(10, 0);
  ASSERT_EQ(program().read(file, data), 0);
  EXPECT_EQ(data, "old");
  ASSERT_EQ(program().write(file, "OLD"), 0);
  ASSERT_EQ(program().close(file), 0);
  EXPECT_EQ(fresh.read(), "new");
}

TEST_P(TwoFronts, DeleteOnCloseOfADriverMeetsAnOpenOfLinux) {
  ASSERT_EQ(program().put("C:/f", "data"), 0);
  Driver driver("C:/f", {.options = FILE_DELETE_ON_CLOSE});
  int file = -1;
  ASSERT_EQ(program().open("C:/f", O_RDONLY, file), 0) << "nothing is pending before it is closed";
  driver.close();
  EXPECT_EQ(Driver("C:/f").status(), STATUS_DELETE_PENDING);
  ASSERT_EQ(program().close(file), 0);
  EXPECT_EQ(Driver("C:/f").status(), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_P(TwoFronts, DirectoriesAreRemovedByEither) {
  ASSERT_EQ(program().mkdir("C:/d"), 0);
  ASSERT_EQ(Driver("C:/d/f", {.disposition = FILE_CREATE}).status(), STATUS_SUCCESS);
  EXPECT_EQ(program().rmdir("C:/d"), ENOTEMPTY);
  {
    Driver directory("C:/d", {.options = FILE_DIRECTORY_FILE});
    EXPECT_EQ(directory.dispose(), STATUS_DIRECTORY_NOT_EMPTY);
  }
  EXPECT_EQ(program().rmdir("C:/d/f"), ENOTDIR);
  EXPECT_EQ(program().unlink("C:/d"), EISDIR);
  ASSERT_EQ(program().unlink("C:/D/F"), 0);
  {
    Driver holder("C:/d", {.access = FILE_LIST_DIRECTORY, .share = FILE_SHARE_READ, .options = FILE_DIRECTORY_FILE});
    ASSERT_EQ(holder.status(), STATUS_SUCCESS);
    EXPECT_EQ(program().rmdir("C:/d"), EBUSY);
  }
  EXPECT_EQ(program().rmdir("C:/d"), 0);
  EXPECT_EQ(Driver("C:/d/f", {.disposition = FILE_CREATE}).status(), STATUS_OBJECT_PATH_NOT_FOUND);
}

// --- renaming ---

TEST_P(TwoFronts, RenameOfAndOverWhatADriverHasOpen) {
  for (unsigned wants = 0; wants < kWays; ++wants) {
    for (unsigned shares = 0; shares < kWays; ++shares) {
      SCOPED_TRACE(describe(wants, shares, 0));
      const Opener mine = driver_opener(wants, shares);
      ShareRules rules;
      rules.add(mine);
      ASSERT_EQ(program().put("C:/a", "A"), 0);
      {
        Driver source("C:/a", ask_of(mine));
        ASSERT_EQ(source.status(), STATUS_SUCCESS);
        const bool allowed = rules.admits({DELETE, kShareAll});
        ASSERT_EQ(program().rename("C:/a", "C:/b"), allowed ? 0 : EBUSY);
        ASSERT_EQ(program().error_of_stat(allowed ? "C:/a" : "C:/b"), ENOENT);
        if (!allowed) {
          source.close();
          ASSERT_EQ(program().rename("C:/a", "C:/b"), 0);
        }
      }
      ASSERT_EQ(program().put("C:/c", "C"), 0);
      {
        Driver target("C:/b", ask_of(mine));
        ASSERT_EQ(target.status(), STATUS_SUCCESS);
        ASSERT_EQ(program().rename("C:/c", "C:/b", RENAME_NOREPLACE), EEXIST);
        const bool allowed = rules.deletion_shared();
        ASSERT_EQ(program().rename("C:/c", "C:/B"), allowed ? 0 : EACCES);
        if (wants & 1) {
          EXPECT_EQ(target.read(), "A");
        }
        target.close();
        ASSERT_EQ(program().get("C:/b"), allowed ? "C" : "A");
        ASSERT_EQ(program().error_of_stat("C:/c"), allowed ? ENOENT : 0);
      }
      ASSERT_EQ(program().unlink("C:/b"), 0);
    }
  }
}

TEST_P(TwoFronts, DriverRenamesWhatLinuxHasOpen) {
  ASSERT_EQ(program().mkdir("C:/d"), 0);
  for (const int flags : kLinuxModes) {
    ASSERT_EQ(program().put("C:/a", "data"), 0);
    int file = -1;
    ASSERT_EQ(program().open("C:/a", flags, file), 0);
    ASSERT_EQ(Driver("C:/a").rename("C:/d/B"), STATUS_SUCCESS);
    EXPECT_EQ(program().error_of_stat("C:/a"), ENOENT);
    if (flags != O_WRONLY) {
      std::string data(10, 0);
      ASSERT_EQ(program().read(file, data), 0);
      EXPECT_EQ(data, "data");
    }
    if (flags != O_RDONLY) {
      ASSERT_EQ(program().write(file, "DATA"), 0);
      EXPECT_EQ(Driver("C:/d/b").read(), "DATA");
    }
    ASSERT_EQ(program().close(file), 0);
    ASSERT_EQ(program().unlink("C:/d/b"), 0);
  }
}

TEST_P(TwoFronts, DriverRenamesOverWhatLinuxHasOpen) {
  for (const int flags : kLinuxModes) {
    ASSERT_EQ(program().put("C:/a", "A"), 0);
    ASSERT_EQ(program().put("C:/b", "B"), 0);
    Driver source("C:/a", {});
    int file = -1;
    ASSERT_EQ(program().open("C:/b", flags, file), 0);
    EXPECT_EQ(source.rename("C:/b"), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(source.rename("C:/b", true), STATUS_ACCESS_DENIED);
    ASSERT_EQ(program().close(file), 0);
    EXPECT_EQ(source.rename("C:/b", true), STATUS_SUCCESS);
    source.close();
    EXPECT_EQ(program().get("C:/b"), "A");
  }
}

TEST_P(TwoFronts, DirectoriesWithOpensBeneathStay) {
  ASSERT_EQ(program().mkdir("C:/d"), 0);
  ASSERT_EQ(program().mkdir("C:/d/e"), 0);
  ASSERT_EQ(program().put("C:/d/e/f", "data"), 0);
  {
    Driver beneath("C:/d/e/f", {});
    EXPECT_EQ(program().rename("C:/d", "C:/n"), EACCES);
  }
  ASSERT_EQ(program().rename("C:/d", "C:/n"), 0);
  int file = -1;
  ASSERT_EQ(program().open("C:/n/e/f", O_RDONLY, file), 0);
  Driver directory("C:/n", {.options = FILE_DIRECTORY_FILE});
  EXPECT_EQ(directory.rename("C:/d"), STATUS_ACCESS_DENIED);
  ASSERT_EQ(program().close(file), 0);
  EXPECT_EQ(directory.rename("C:/d"), STATUS_SUCCESS);
  directory.close();
  EXPECT_EQ(program().get("C:/D/E/F"), "data");
  EXPECT_EQ(program().rename("C:/d", "C:/d/e/inside"), EINVAL);
}

// --- case ---

TEST_P(TwoFronts, CaseIsKeptAndIgnored) {
  ASSERT_EQ(program().mkdir("C:/Dir"), 0);
  ASSERT_EQ(Driver("C:/dIR/Nt.TXT", {.disposition = FILE_CREATE}).write("nt"), STATUS_SUCCESS);
  ASSERT_EQ(program().put("C:/DIR/Linux.txt", "linux"), 0);
  EXPECT_EQ(program().get("C:/dir/nt.txt"), "nt");
  EXPECT_EQ(Driver("C:/DIR/LINUX.TXT").read(), "linux");
  Names names;
  ASSERT_EQ(program().list("C:/dir", names), 0);
  EXPECT_EQ(names, (Names{"Nt.TXT", "Linux.txt"}));
  struct stat one, other;
  ASSERT_EQ(program().stat("C:/Dir/Nt.TXT", one), 0);
  ASSERT_EQ(program().put("C:/dir/nt.TXT", "changed"), 0);
  ASSERT_EQ(program().stat("C:/Dir/Nt.TXT", other), 0);
  EXPECT_EQ(other.st_ino, one.st_ino) << "the file that was there, not another beside it";
  EXPECT_EQ(Driver("C:/dir/nt.txt").read(), "changed");
}

TEST_P(TwoFronts, CaseAloneCanBeChangedByEither) {
  ASSERT_EQ(program().put("C:/name", "data"), 0);
  ASSERT_EQ(program().rename("C:/name", "C:/NAME"), 0);
  Names names;
  ASSERT_EQ(program().list("C:", names), 0);
  EXPECT_EQ(names, Names{"NAME"});
  ASSERT_EQ(Driver("C:/name").rename("C:/Name"), STATUS_SUCCESS);
  ASSERT_EQ(program().list("C:", names), 0);
  EXPECT_EQ(names, Names{"Name"});
  EXPECT_EQ(program().get("C:/nAME"), "data");
}

INSTANTIATE_TEST_SUITE_P(By, TwoFronts, all_settings(), name_of);

}  // namespace
}  // namespace ntemu::fs::test
