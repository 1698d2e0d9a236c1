#pragma once

#include <ctime>
#include <string>

namespace mail {

/// "Nov  4 22:15:09", as syslog has it: in English, whatever the locale.
/// pad: what stands before a day of one digit, ' ' or '0'.
std::string stamp(const tm& local, char pad = ' ');
/// "Tue Nov  4 22:15:09 2026" (asctime(3) without its newline).
std::string full_stamp(const tm& local);

}  // namespace mail
