// Expressions as the debugger's commands take them: numbers are hexadecimal unless 0n, 0t or 0y says otherwise.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "tools/kd/failure.h"
#include "tools/kd/memory.h"

namespace ntemu::debug {

// What names in an expression mean.
struct Names {
  std::function<std::optional<uint64_t>(std::string_view symbol)> symbol;       // nt!KeTickCount
  std::function<std::optional<uint64_t>(std::string_view name)> pseudo;         // after @: rip, $thread
  std::function<std::optional<uint64_t>(Address address, size_t size)> memory;  // poi, dwo, ...
};

// + - * / % & | ^ ~ << >> < > == ( ) [ ], poi() qwo() dwo() wo() by() low() hi() not(); nt!symbol, @rip, @$thread.
Result<uint64_t> evaluate(std::string_view text, const Names &names);

}  // namespace ntemu::debug
