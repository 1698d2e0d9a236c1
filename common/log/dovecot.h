#pragma once

#include <string>
#include <string_view>

#include "common/log/log.h"

namespace mail::log {

/// A process under Dovecot's master writes its lines to descriptor 2, a pipe
/// that the log service reads. Each is at most PIPE_BUF bytes, so whole:
///   0x01, type + 1 (| 0x40: a prefix's length follows the pid), pid, ' ',
///   [length ' ' prefix] text, LF
/// The type "option" carries "prefix=TEXT" and "ip=TEXT" of this pid.
enum class DovecotSink {
  Pipe,    ///< LOG_SERVICE=1: to the log service
  Stderr,  ///< by hand: "PREFIX Error: text"
};

/// All further lines of log.h go there. prefix: "imap-login: ".
void open_dovecot(DovecotSink sink, std::string prefix);
/// A new prefix for what this process logs from now on.
void set_dovecot_prefix(std::string prefix);
const std::string& dovecot_prefix();
/// One line with a prefix of its own: "imap(alice)<4711><session>: ".
void line_with_prefix(std::string_view prefix, Level level,
                      std::string_view text);

/// "Info: ", "Error: " as the log service writes them.
std::string_view dovecot_level(Level level);

/// The number of a level in the pipe's type byte (debug 0 ... panic 5).
int dovecot_type(Level level);

}  // namespace mail::log
