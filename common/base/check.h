#pragma once

#include <string_view>

namespace mail {

/// Told of a failed CHECK before the process aborts; common/log sets it.
using CheckHandler = void (*)(std::string_view text);
void set_check_handler(CheckHandler handler);

[[noreturn]] void check_failed(const char* expression, const char* file,
                               int line);

}  // namespace mail

// For our own bugs, never for input: log, core, exit; the master restarts us.
// (Catch2 has a CHECK of its own, which wins in tests.)
#ifndef CHECK
#define CHECK(x) ((x) ? (void)0 : ::mail::check_failed(#x, __FILE__, __LINE__))
#endif
