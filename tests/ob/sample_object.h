// An object type whose deletions and cleanups can be counted.
#pragma once

#include <atomic>

#include "ntemu/ob/object.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {

struct Sample {
  ULONG64 value;
  std::atomic<int> *deleted;
  std::atomic<int> *cleaned;
};

inline void delete_sample(void *body) {
  if (auto *count = static_cast<Sample *>(body)->deleted) ++*count;
}
inline void clean_sample(void *body) {
  if (auto *count = static_cast<Sample *>(body)->cleaned) ++*count;
}

inline _OBJECT_TYPE sample_type{.name = u"Sample",
                                .valid_access = 0x1F0003,
                                .generic_mapping = {0x20001, 0x20002, 0x20000, 0x1F0003},
                                .on_delete = delete_sample,
                                .on_last_handle_closed = clean_sample};
inline _OBJECT_TYPE other_type{.name = u"Other", .valid_access = 1, .generic_mapping = {}};

inline ob::Ref<Sample> make_sample(std::atomic<int> *deleted = nullptr, std::atomic<int> *cleaned = nullptr) {
  auto *sample = static_cast<Sample *>(ob::create(sample_type, sizeof(Sample)));
  sample->deleted = deleted;
  sample->cleaned = cleaned;
  return ob::Ref<Sample>::adopt(sample);
}

struct Name {
  explicit Name(std::u16string_view text, ULONG flags = OBJ_CASE_INSENSITIVE, HANDLE root = nullptr)
      : string{static_cast<USHORT>(text.size() * 2), static_cast<USHORT>(text.size() * 2),
               reinterpret_cast<WCHAR *>(const_cast<char16_t *>(text.data()))} {
    InitializeObjectAttributes(&attributes, &string, flags, root, nullptr);
  }
  UNICODE_STRING string;
  OBJECT_ATTRIBUTES attributes;
};

}  // namespace ntemu::test
