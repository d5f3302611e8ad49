#include "ntemu/base/utf.h"
#include "tests/ob/sample_object.h"

namespace ntemu::test {
namespace {

class Namespace : public KernelTest {
 protected:
  Namespace() { EXPECT_EQ(ob::insert_name(sample.get(), u"\\Device\\Sample"), STATUS_SUCCESS); }
  ~Namespace() override { ob::remove_name(sample.get()); }

  NTSTATUS open(std::u16string_view path, const _OBJECT_TYPE *type = &sample_type, ULONG flags = OBJ_CASE_INSENSITIVE,
                HANDLE root = nullptr) {
    Name name(path, flags, root);
    ob::OpenRequest request;
    const auto body = ob::open_by_name(name.attributes, type, request);
    if (body) ob::dereference(*body);
    return body.status();
  }

  ob::Ref<Sample> sample = make_sample();
};
using ObQueryNameString = Namespace;

TEST_F(Namespace, FindsByName) {
  EXPECT_EQ(open(u"\\Device\\Sample"), STATUS_SUCCESS);
  EXPECT_EQ(open(u"\\dEVICE\\sAMPLE"), STATUS_SUCCESS);
  EXPECT_EQ(open(u"\\Device\\sample", &sample_type, 0), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(open(u"\\Device\\Sample", &sample_type, 0), STATUS_SUCCESS);
}

TEST_F(Namespace, TellsWhatIsWrongWithAName) {
  EXPECT_EQ(open(u""), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(open(u"Device\\Sample"), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(open(u"\\Device\\\\Sample"), STATUS_OBJECT_NAME_INVALID);
  EXPECT_EQ(open(u"\\Device\\Sample2"), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(open(u"\\Missing\\Sample"), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_EQ(open(u"\\Device\\Sample\\Below"), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(open(u"\\Device\\Sample", &other_type), STATUS_OBJECT_TYPE_MISMATCH);
  Name odd(u"\\Device");
  odd.string.Length = 3;
  ob::OpenRequest request;
  EXPECT_EQ(ob::open_by_name(odd.attributes, nullptr, request).status(), STATUS_OBJECT_NAME_INVALID);
  Name short_attributes(u"\\Device");
  short_attributes.attributes.Length = 8;
  EXPECT_EQ(ob::open_by_name(short_attributes.attributes, nullptr, request).status(), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(open(u"\\Device", nullptr, 0x80000000), STATUS_INVALID_PARAMETER);
}

TEST_F(Namespace, FollowsLinksToDosDevices) {
  ASSERT_EQ(ob::create_symbolic_link(u"\\DosDevices\\S", u"\\Device\\Sample"), STATUS_SUCCESS);
  for (const char16_t *path :
       {u"\\DosDevices\\S", u"\\??\\S", u"\\GLOBAL??\\s", u"\\??\\Global\\S", u"\\??\\GLOBALROOT\\Device\\Sample"}) {
    EXPECT_EQ(open(path), STATUS_SUCCESS) << base::to_utf8(path);
  }
  EXPECT_EQ(open(u"\\??\\S", &sample_type, OBJ_CASE_INSENSITIVE | OBJ_DONT_REPARSE), static_cast<NTSTATUS>(0xC000050B));
  EXPECT_EQ(open(u"\\??\\S", &ob::symbolic_link_type), STATUS_SUCCESS);
  EXPECT_EQ(ob::delete_symbolic_link(u"\\??\\S"), STATUS_SUCCESS);
  EXPECT_EQ(open(u"\\??\\S"), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(ob::delete_symbolic_link(u"\\Device\\Sample"), STATUS_OBJECT_TYPE_MISMATCH);
}

TEST_F(Namespace, CirclesOfLinksEnd) {
  ASSERT_EQ(ob::create_symbolic_link(u"\\??\\A", u"\\??\\B"), STATUS_SUCCESS);
  ASSERT_EQ(ob::create_symbolic_link(u"\\??\\B", u"\\??\\A"), STATUS_SUCCESS);
  EXPECT_EQ(open(u"\\??\\A"), STATUS_OBJECT_NAME_NOT_FOUND);
  ASSERT_EQ(ob::create_symbolic_link(u"\\??\\Grow", u"\\??\\Grow\\Grow"), STATUS_SUCCESS);
  EXPECT_FALSE(NT_SUCCESS(open(u"\\??\\Grow")));
}

TEST_F(Namespace, OpensRelativeToADirectory) {
  const auto directory = ob::open_by_path(u"\\Device", &ob::directory_type);
  ASSERT_TRUE(directory);
  const HANDLE root = *ob::create_handle(*directory, DIRECTORY_QUERY, 0);
  ob::dereference(*directory);
  EXPECT_EQ(open(u"Sample", &sample_type, OBJ_CASE_INSENSITIVE, root), STATUS_SUCCESS);
  EXPECT_EQ(open(u"\\Sample", &sample_type, OBJ_CASE_INSENSITIVE, root), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(open(u"", &ob::directory_type, OBJ_CASE_INSENSITIVE, root), STATUS_SUCCESS);
  ZwClose(root);
  EXPECT_EQ(open(u"Sample", &sample_type, OBJ_CASE_INSENSITIVE, root), STATUS_INVALID_HANDLE);
}

TEST_F(Namespace, RefusesASecondObjectOfTheSameName) {
  const auto second = make_sample();
  EXPECT_EQ(ob::insert_name(second.get(), u"\\Device\\SAMPLE"), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(ob::insert_name(second.get(), u"\\Missing\\Sample"), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_EQ(ob::insert_name(second.get(), u"Sample"), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(ob::insert_name(second.get(), u"\\Device\\"), STATUS_OBJECT_NAME_INVALID);
  EXPECT_EQ(ob::reference_count(second.get()), 1);
}

TEST_F(Namespace, OpenIfGivesTheOneThatIsThere) {
  const auto second = make_sample();
  Name name(u"\\Device\\Sample", OBJ_CASE_INSENSITIVE | OBJ_OPENIF);
  const auto body = ob::insert(second.get(), name.attributes);
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, sample.get());
  ob::dereference(*body);
  const auto other = ob::Ref<void>::adopt(ob::create(other_type, 8));
  EXPECT_EQ(ob::insert(other.get(), name.attributes).status(), STATUS_OBJECT_TYPE_MISMATCH);
}

TEST_F(Namespace, ATemporaryNameGoesWithTheLastHandle) {
  const auto temporary = make_sample();
  Name name(u"\\BaseNamedObjects\\Temporary");
  const auto body = ob::insert(temporary.get(), name.attributes);
  ASSERT_TRUE(body);
  const HANDLE first = *ob::create_handle(*body, 1, 0), second = *ob::create_handle(*body, 1, 0);
  ob::dereference(*body);
  ZwClose(first);
  EXPECT_EQ(open(u"\\BaseNamedObjects\\Temporary"), STATUS_SUCCESS);
  ZwClose(second);
  EXPECT_EQ(open(u"\\BaseNamedObjects\\Temporary"), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Namespace, APermanentNameStaysUntilItIsMadeTemporary) {
  ZwClose(*ob::create_handle(sample.get(), 1, 0));
  EXPECT_EQ(open(u"\\Device\\Sample"), STATUS_SUCCESS);
  ObMakeTemporaryObject(sample.get());
  EXPECT_EQ(open(u"\\Device\\Sample"), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Namespace, ListsADirectory) {
  std::vector<std::u16string> names;
  EXPECT_EQ(ob::for_each(u"\\Device", [&](std::u16string_view name, void *) { names.emplace_back(name); }),
            STATUS_SUCCESS);
  EXPECT_NE(std::find(names.begin(), names.end(), u"Sample"), names.end());
  EXPECT_EQ(ob::for_each(u"\\Missing", [](std::u16string_view, void *) {}), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(ObQueryNameString, GivesTheFullNameOrTheLengthItNeeds) {
  alignas(8) UCHAR buffer[128];
  auto *information = reinterpret_cast<POBJECT_NAME_INFORMATION>(buffer);
  ULONG length = 0;
  EXPECT_EQ(::ObQueryNameString(sample.get(), nullptr, 0, &length), STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(length, sizeof(OBJECT_NAME_INFORMATION) + 15 * 2);
  EXPECT_EQ(::ObQueryNameString(sample.get(), information, length - 1, &length), STATUS_INFO_LENGTH_MISMATCH);
  ASSERT_EQ(::ObQueryNameString(sample.get(), information, length, &length), STATUS_SUCCESS);
  EXPECT_EQ(information->Name.Length, 14 * 2);
  EXPECT_EQ(std::u16string(reinterpret_cast<char16_t *>(information->Name.Buffer)), u"\\Device\\Sample");
}

TEST_F(ObQueryNameString, IsEmptyForAnObjectWithoutAName) {
  const auto nameless = make_sample();
  OBJECT_NAME_INFORMATION information;
  ULONG length;
  EXPECT_EQ(::ObQueryNameString(nameless.get(), &information, sizeof(information), &length), STATUS_SUCCESS);
  EXPECT_EQ(information.Name.Length, 0);
  EXPECT_EQ(information.Name.Buffer, nullptr);
  EXPECT_EQ(length, sizeof(information));
}

}  // namespace
}  // namespace ntemu::test
