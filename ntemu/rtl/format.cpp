#include "ntemu/rtl/format.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>

#include "nt/basetsd.h"
#include "ntemu/rtl/transcode.h"

namespace ntemu::rtl {
namespace {

// No width or precision is larger: a hostile one must not keep the caller busy.
constexpr int kLargest = 1 << 20;

enum class Size { kDefault, kChar, kShort, kLong, kWide, kLongLong };

struct Specification {
  bool left = false, plus = false, space = false, alternate = false, zero = false;
  size_t width = 0;
  int precision = -1;
  Size size = Size::kDefault;
};

// A va_list that functions can share.
struct Arguments {
  va_list list;
};

template <class Char>
class Formatter {
 public:
  using View = std::basic_string_view<Char>;

  Formatter(Char *out, size_t room) : out_(out), room_(room) {}

  size_t run(const Char *text, Arguments &arguments) {
    while (*text) {
      const Char *start = text;
      while (*text && *text != '%') ++text;
      put(View(start, static_cast<size_t>(text - start)));
      if (*text) text = conversion(text, arguments);
    }
    return length_;
  }

 private:
  void put(Char c) {
    if (length_ < room_) out_[length_] = c;
    ++length_;
  }
  void put(View text) {
    if (length_ < room_) std::copy_n(text.data(), std::min(text.size(), room_ - length_), out_ + length_);
    length_ += text.size();
  }
  void put(size_t count, Char c) {
    while (count-- > 0) put(c);
  }

  // `text` is at a '%'; returns what follows the conversion.
  const Char *conversion(const Char *text, Arguments &arguments) {
    const Char *start = text++;
    Specification spec;
    text = read_flags(text, spec);
    text = read_width(text, spec, arguments);
    text = read_size(text, spec);
    const Char type = *text;
    if (type == 0) return text;
    ++text;
    switch (type) {
      case 'd':
      case 'i':
        put_signed(spec, arguments);
        break;
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        put_unsigned(spec, type, arguments);
        break;
      case 'p':
        spec.size = Size::kLongLong;
        spec.precision = 16;
        put_unsigned(spec, 'X', arguments);
        break;
      case 'c':
      case 'C':
        put_character(spec, is_wide(spec, type == 'C'), va_arg(arguments.list, int));
        break;
      case 's':
      case 'S':
        if (is_wide(spec, type == 'S')) {
          put_terminated(spec, va_arg(arguments.list, const char16_t *));
        } else {
          put_terminated(spec, va_arg(arguments.list, const char *));
        }
        break;
      case 'Z':
        put_counted(spec, arguments);
        break;
      case 'a':
      case 'A':
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        // The kernel's printf has no floating point: the text shows the conversion itself.
        (void)va_arg(arguments.list, double);
        put(View(start, static_cast<size_t>(text - start)));
        break;
      case 'n':
        // Never written through: a format from the wrong hands could otherwise store anywhere.
        (void)va_arg(arguments.list, void *);
        put(View(start, static_cast<size_t>(text - start)));
        break;
      default:
        put(type);
        break;
    }
    return text;
  }

  static const Char *read_flags(const Char *text, Specification &spec) {
    for (;; ++text) {
      switch (*text) {
        case '-':
          spec.left = true;
          break;
        case '+':
          spec.plus = true;
          break;
        case ' ':
          spec.space = true;
          break;
        case '#':
          spec.alternate = true;
          break;
        case '0':
          spec.zero = true;
          break;
        default:
          return text;
      }
    }
  }

  static const Char *read_number(const Char *text, int &value) {
    for (value = 0; *text >= '0' && *text <= '9'; ++text)
      value = std::min(value * 10 + static_cast<int>(*text - '0'), kLargest);
    return text;
  }

  static const Char *read_width(const Char *text, Specification &spec, Arguments &arguments) {
    int width = 0;
    if (*text == '*') {
      ++text;
      width = va_arg(arguments.list, int);
      if (width < 0) {
        spec.left = true;
        width = -std::max(width, -kLargest);
      }
    } else {
      text = read_number(text, width);
    }
    spec.width = static_cast<size_t>(std::min(width, kLargest));
    if (*text != '.') return text;
    ++text;
    if (*text == '*') {
      spec.precision = std::clamp(va_arg(arguments.list, int), -1, kLargest);
      return text + 1;
    }
    return read_number(text, spec.precision);
  }

  static const Char *read_size(const Char *text, Specification &spec) {
    for (;; ++text) {
      switch (*text) {
        case 'h':
          spec.size = spec.size == Size::kShort ? Size::kChar : Size::kShort;
          break;
        case 'l':
          spec.size = spec.size == Size::kLong ? Size::kLongLong : Size::kLong;
          break;
        case 'w':
          spec.size = Size::kWide;
          break;
        case 'I':
          spec.size = Size::kLongLong;
          if (text[1] == '6' && text[2] == '4') {
            text += 2;
          } else if (text[1] == '3' && text[2] == '2') {
            text += 2;
            spec.size = Size::kLong;
          }
          break;
        case 'j':
        case 'z':
        case 't':
          spec.size = Size::kLongLong;
          break;
        case 'L':
          break;
        default:
          return text;
      }
    }
  }

  // Whether a string or character argument is wide; `other` for the capital letters, which mean the other width.
  static bool is_wide(const Specification &spec, bool other) {
    switch (spec.size) {
      case Size::kChar:
      case Size::kShort:
        return false;
      case Size::kLong:
      case Size::kWide:
      case Size::kLongLong:
        return true;
      default:
        return (sizeof(Char) == 2) != other;
    }
  }

  void put_signed(const Specification &spec, Arguments &arguments) {
    int64_t value;
    if (spec.size == Size::kLongLong) {
      value = va_arg(arguments.list, long long);
    } else {
      const int narrow = va_arg(arguments.list, int);  // a Windows long has 32 bits
      value = spec.size == Size::kShort  ? static_cast<int16_t>(narrow)
              : spec.size == Size::kChar ? static_cast<int8_t>(narrow)
                                         : narrow;
    }
    const char sign = value < 0 ? '-' : spec.plus ? '+' : spec.space ? ' ' : '\0';
    const uint64_t magnitude = value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
    put_number(spec, {&sign, sign ? size_t{1} : size_t{0}}, magnitude, 10, false);
  }

  void put_unsigned(const Specification &spec, Char type, Arguments &arguments) {
    uint64_t value;
    if (spec.size == Size::kLongLong) {
      value = va_arg(arguments.list, unsigned long long);
    } else {
      const unsigned narrow = va_arg(arguments.list, unsigned);
      value = spec.size == Size::kShort  ? static_cast<uint16_t>(narrow)
              : spec.size == Size::kChar ? static_cast<uint8_t>(narrow)
                                         : narrow;
    }
    if (type == 'o') {
      put_number(spec, {}, value, 8, false);
    } else if (type == 'u') {
      put_number(spec, {}, value, 10, false);
    } else {
      const bool prefix = spec.alternate && value != 0;
      put_number(spec, !prefix ? "" : type == 'X' ? "0X" : "0x", value, 16, type == 'X');
    }
  }

  void put_number(const Specification &spec, std::string_view prefix, uint64_t value, unsigned base, bool upper) {
    Char digits[24];
    Char *first = digits + 24;
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    for (; value != 0; value /= base) *--first = static_cast<Char>(alphabet[value % base]);
    const size_t count = static_cast<size_t>(digits + 24 - first);

    size_t zeros = 0;
    const size_t least = spec.precision < 0 ? 1 : static_cast<size_t>(spec.precision);
    if (count < least) zeros = least - count;
    if (base == 8 && spec.alternate && zeros == 0) zeros = 1;
    const size_t used = prefix.size() + zeros + count;
    size_t padding = spec.width > used ? spec.width - used : 0;
    if (spec.zero && !spec.left && spec.precision < 0) zeros += padding, padding = 0;

    if (!spec.left) put(padding, ' ');
    for (const char c : prefix) put(static_cast<Char>(c));
    put(zeros, '0');
    put(View(first, count));
    if (spec.left) put(padding, ' ');
  }

  void put_character(const Specification &spec, bool wide, int value) {
    if (wide) {
      const auto c = static_cast<char16_t>(value);
      put_text(spec, std::u16string_view(&c, 1));
    } else {
      const auto c = static_cast<char>(value);
      put_text(spec, std::string_view(&c, 1));
    }
  }

  template <class Source>
  void put_terminated(const Specification &spec, const Source *text) {
    if (!text) return put_text(spec, std::string_view("(null)").substr(0, limit(spec)));
    const size_t most = limit(spec);
    size_t count = 0;
    while (count < most && text[count]) ++count;
    put_text(spec, std::basic_string_view<Source>(text, count));
  }

  void put_counted(const Specification &spec, Arguments &arguments) {
    if (spec.size == Size::kWide || spec.size == Size::kLong) {
      const auto *string = va_arg(arguments.list, const UNICODE_STRING *);
      if (string && string->Buffer) {
        const char16_t *text = string->Buffer;
        return put_text(spec, std::u16string_view(text, string->Length / sizeof(char16_t)).substr(0, limit(spec)));
      }
    } else {
      const auto *string = va_arg(arguments.list, const STRING *);
      if (string && string->Buffer) {
        return put_text(spec, std::string_view(string->Buffer, string->Length).substr(0, limit(spec)));
      }
    }
    put_text(spec, std::string_view("(null)").substr(0, limit(spec)));
  }

  static size_t limit(const Specification &spec) {
    return spec.precision < 0 ? std::numeric_limits<size_t>::max() : static_cast<size_t>(spec.precision);
  }

  template <class Source>
  void put_text(const Specification &spec, std::basic_string_view<Source> text) {
    size_t count = text.size();
    if constexpr (sizeof(Source) != sizeof(Char)) count = transcode<Char>(text, static_cast<Char *>(nullptr), 0).units;
    const size_t padding = spec.width > count ? spec.width - count : 0;
    if (!spec.left) put(padding, spec.zero ? '0' : ' ');
    if constexpr (sizeof(Source) == sizeof(Char)) {
      put(text);
    } else {
      while (!text.empty()) {
        const Decoded next = decode(text);
        Char units[4];
        put(View(units, encode(next.character, units)));
        text.remove_prefix(next.units);
      }
    }
    if (spec.left) put(padding, ' ');
  }

  Char *out_;
  size_t room_;
  size_t length_ = 0;
};

template <class Char>
size_t format_any(Char *out, size_t room, const Char *format, va_list arguments) {
  Arguments copy;
  va_copy(copy.list, arguments);
  const size_t length = Formatter<Char>(out, room).run(format, copy);
  va_end(copy.list);
  return length;
}

}  // namespace

size_t format(char *out, size_t room, const char *format, va_list arguments) {
  return format_any(out, room, format, arguments);
}
size_t format(char16_t *out, size_t room, const char16_t *format, va_list arguments) {
  return format_any(out, room, format, arguments);
}

}  // namespace ntemu::rtl
