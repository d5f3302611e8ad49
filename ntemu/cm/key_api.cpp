// The registry's system services.
#include <cstring>

#include "ntemu/api/enter.h"
#include "ntemu/base/utf.h"
#include "ntemu/cm/key_object.h"

using namespace ntemu;

namespace {

NTSTATUS open_key(PHANDLE handle, ACCESS_MASK access, const OBJECT_ATTRIBUTES &attributes) {
  ob::OpenRequest request{.access = access};
  const auto key = ob::open_by_name(attributes, &cm::key_type, request);
  if (!key) return key.status();
  const auto opened = ob::create_handle(*key, access, attributes.Attributes);
  ob::dereference(*key);
  if (opened) *handle = *opened;
  return opened.status();
}

// Fills a caller's buffer whose first part is fixed: without room for that nothing is written, later parts are cut.
class Output {
 public:
  Output(void *buffer, ULONG length) : buffer_(static_cast<UCHAR *>(buffer)), length_(length) {}

  bool fits(size_t fixed) const { return length_ >= fixed; }
  template <class T>
  void field(size_t offset, T value) {
    put(offset, &value, sizeof(value));
  }
  void put(size_t offset, const void *data, size_t size) {
    if (offset < length_) std::memcpy(buffer_ + offset, data, std::min<size_t>(size, length_ - offset));
  }

 private:
  UCHAR *buffer_;
  ULONG length_;
};

struct Layout {
  size_t fixed;        // up to the first variable part
  size_t name_offset;  // 0: no name
  size_t data_offset;  // 0: no data
  size_t total;
};

constexpr size_t align(size_t size, size_t to) { return (size + to - 1) & ~(to - 1); }

bool lay_out(KEY_VALUE_INFORMATION_CLASS information_class, size_t name, size_t data, Layout &layout) {
  switch (information_class) {
    case KeyValueBasicInformation: {
      constexpr size_t kName = FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name);
      layout = {kName, kName, 0, kName + name};
      return true;
    }
    case KeyValueFullInformation:
    case KeyValueFullInformationAlign64: {
      constexpr size_t kName = FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, Name);
      const size_t at =
          align(kName + name, information_class == KeyValueFullInformation ? sizeof(ULONG) : sizeof(ULONG64));
      layout = {kName, kName, at, at + data};
      return true;
    }
    case KeyValuePartialInformation: {
      constexpr size_t kData = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data);
      layout = {kData, 0, kData, kData + data};
      return true;
    }
    case KeyValuePartialInformationAlign64: {
      constexpr size_t kData = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, Data);
      layout = {kData, 0, kData, kData + data};
      return true;
    }
    default:
      return false;
  }
}

void write_fixed(KEY_VALUE_INFORMATION_CLASS information_class, const cm::Value &value, const Layout &layout,
                 Output &output) {
  const auto name_length = static_cast<ULONG>(value.name.size() * sizeof(WCHAR));
  const auto data_length = static_cast<ULONG>(value.data.size());
  switch (information_class) {
    case KeyValueBasicInformation:
      output.field(FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, TitleIndex), ULONG{0});
      output.field(FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Type), value.type);
      output.field(FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, NameLength), name_length);
      break;
    case KeyValueFullInformation:
    case KeyValueFullInformationAlign64:
      output.field(FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, TitleIndex), ULONG{0});
      output.field(FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, Type), value.type);
      output.field(FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, DataOffset), static_cast<ULONG>(layout.data_offset));
      output.field(FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, DataLength), data_length);
      output.field(FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, NameLength), name_length);
      break;
    case KeyValuePartialInformation:
      output.field(FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, TitleIndex), ULONG{0});
      output.field(FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Type), value.type);
      output.field(FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, DataLength), data_length);
      break;
    default:
      output.field(FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, Type), value.type);
      output.field(FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, DataLength), data_length);
      break;
  }
}

NTSTATUS give_value(const cm::Value &value, KEY_VALUE_INFORMATION_CLASS information_class, PVOID buffer, ULONG length,
                    PULONG result_length) {
  const size_t name_size = value.name.size() * sizeof(WCHAR);
  Layout layout;
  if (!lay_out(information_class, name_size, value.data.size(), layout)) return STATUS_INVALID_PARAMETER;
  *result_length = static_cast<ULONG>(layout.total);
  Output output(buffer, length);
  if (!output.fits(layout.fixed)) return STATUS_BUFFER_TOO_SMALL;
  write_fixed(information_class, value, layout, output);
  if (layout.name_offset) output.put(layout.name_offset, value.name.data(), name_size);
  if (layout.data_offset) output.put(layout.data_offset, value.data.data(), value.data.size());
  return output.fits(layout.total) ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

}  // namespace

NTSTATUS ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes) {
  NT_ENTER(ZwOpenKey, KeyHandle, DesiredAccess, ObjectAttributes);
  return open_key(KeyHandle, DesiredAccess, *ObjectAttributes);
}

NTSTATUS ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                         KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass, PVOID KeyValueInformation, ULONG Length,
                         PULONG ResultLength) {
  NT_ENTER(ZwQueryValueKey, KeyHandle, ValueName, KeyValueInformationClass, KeyValueInformation, Length, ResultLength);
  Layout layout;
  if (ValueName->Length % sizeof(WCHAR) || !lay_out(KeyValueInformationClass, 0, 0, layout))
    return STATUS_INVALID_PARAMETER;
  const auto key = cm::reference_key(KeyHandle, KEY_QUERY_VALUE, KernelMode);
  if (!key) return key.status();
  const auto value = cm::query_value((*key)->id, base::view(*ValueName));
  ob::dereference(*key);
  if (!value) return value.status();
  return give_value(*value, KeyValueInformationClass, KeyValueInformation, Length, ResultLength);
}
