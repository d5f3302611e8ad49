// Drivers that asked for it are told of the images that are loaded.
#include "ntemu/base/utf.h"
#include "ntemu/ex/worker.h"
#include "tests/io/lifecycle_fixture.h"

namespace ntemu::test {
namespace {

struct Loaded {
  std::u16string name;
  HANDLE process;
  IMAGE_INFO info;
  bool on_worker;
  LONG entries;
};
std::vector<Loaded> images;
const LIFECYCLE *lifecycle;

VOID note(PUNICODE_STRING name, HANDLE process, PIMAGE_INFO info) {
  images.push_back(
      {std::u16string(base::view(*name)), process, *info, ex::is_worker(ke::current()), lifecycle->Entries});
}

class PsSetLoadImageNotifyRoutine : public LifecycleTest {
 protected:
  PsSetLoadImageNotifyRoutine() {
    images.clear();
    lifecycle = &shared;
  }
};

TEST_F(PsSetLoadImageNotifyRoutine, TellsOfADriverBeforeItsDriverEntry) {
  ASSERT_EQ(::PsSetLoadImageNotifyRoutine(note), STATUS_SUCCESS);
  share(u"Plain");
  ASSERT_TRUE(load("Plain"));
  ASSERT_EQ(images.size(), 1u);
  const auto object = ob::open_by_path(u"\\Driver\\Plain", &io::driver_type);
  ASSERT_TRUE(object);
  const auto &driver = *static_cast<PDRIVER_OBJECT>(*object);
  EXPECT_EQ(images[0].name, u"\\SystemRoot\\System32\\drivers\\Plain.sys");
  EXPECT_EQ(images[0].process, nullptr);
  EXPECT_EQ(images[0].info.ImageBase, driver.DriverStart);
  EXPECT_EQ(images[0].info.ImageSize, driver.DriverSize);
  EXPECT_TRUE(images[0].info.SystemModeImage);
  EXPECT_EQ(images[0].info.ImageAddressingMode, 3u);
  EXPECT_TRUE(images[0].on_worker);
  EXPECT_EQ(images[0].entries, 0);
  EXPECT_EQ(shared.Entries, 1);
  ob::dereference(*object);

  EXPECT_EQ(::PsRemoveLoadImageNotifyRoutine(note), STATUS_SUCCESS);
  ASSERT_TRUE(load("Other"));
  EXPECT_EQ(images.size(), 1u);
}

}  // namespace
}  // namespace ntemu::test
