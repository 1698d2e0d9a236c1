#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail::logd {

/// One line of a log pipe (common/log/dovecot.h).
struct Line {
  int type = 3;  ///< debug 0, info 1, warning 2, error 3, fatal 4, panic 5,
                 ///< option 7; a line of no such form is an error
  int pid = 0;   ///< 0: of no such form
  bool own_prefix = false;  ///< `prefix` instead of the process's
  bool no_prefix = false;
  std::string_view prefix, text;
};

/// line: without its LF. Views into it.
Line parse_line(std::string_view line);

/// "service_fd pid BYE" of the master's own pipe.
struct Control {
  int fd = 0, pid = 0;
  std::string_view command, text;
};
std::optional<Control> parse_control(std::string_view line);

/// The handshake in front of a pipe's lines: magic, length, default prefix.
/// Takes it off; nullopt: not whole yet, or none.
std::optional<std::string> take_handshake(std::string_view& bytes);
std::string write_handshake(std::string_view prefix);

}  // namespace mail::logd
