#include "common/log/dovecot.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "common/base/utf8.h"

namespace mail::log {

namespace {

constexpr int kOption = 7, kHasPrefix = 0x40;

struct Target {
  DovecotSink sink = DovecotSink::Stderr;
  std::string prefix;
  pid_t told = 0;  ///< the process of which the log service has the prefix
};

Target& target() {
  static Target the_target;
  return the_target;
}

void write_all(std::string_view bytes) {
  // A pipe's write of at most PIPE_BUF bytes is whole or not at all.
  [[maybe_unused]] auto n = write(STDERR_FILENO, bytes.data(), bytes.size());
}

void send(int type, std::string_view head, std::string_view text) {
  std::string start =
      fmt::format("\x01{}{} {}", static_cast<char>(type), getpid(), head);
  size_t room = PIPE_BUF - start.size() - 1;
  do {
    size_t n = std::min(room, text.size());
    write_all(fmt::format("{}{}\n", start, text.substr(0, n)));
    text.remove_prefix(n);
  } while (!text.empty());
}

void tell_prefix(Target& t) {
  if (t.told == getpid()) return;
  t.told = getpid();
  send(kOption + 1, "", "prefix=" + t.prefix);
}

void sink(Level level, std::string_view text) {
  Target& t = target();
  std::string clean = printable(text, true);
  if (t.sink == DovecotSink::Stderr) {
    write_all(fmt::format("{}{}{}\n", t.prefix, dovecot_level(level), clean));
    return;
  }
  tell_prefix(t);
  send(dovecot_type(level) + 1, "", clean);
}

}  // namespace

int dovecot_type(Level level) {
  switch (level) {
    case Level::Debug:
      return 0;
    case Level::Info:
      return 1;
    case Level::Warning:
      return 2;
    case Level::Error:
      return 3;
    case Level::Fatal:
      return 4;
    case Level::Panic:
      return 5;
  }
  return 1;
}

std::string_view dovecot_level(Level level) {
  constexpr std::string_view kNames[] = {
      "Debug: ", "Info: ", "Warning: ", "Error: ", "Fatal: ", "Panic: "};
  return kNames[dovecot_type(level)];
}

void open_dovecot(DovecotSink where, std::string prefix) {
  target().sink = where;
  target().prefix = std::move(prefix);
  target().told = 0;
  set_sink(sink);
}

void set_dovecot_prefix(std::string prefix) {
  target().prefix = std::move(prefix);
  target().told = 0;
}

const std::string& dovecot_prefix() { return target().prefix; }

void line_with_prefix(std::string_view prefix, Level level,
                      std::string_view text) {
  Target& t = target();
  std::string clean = printable(text, true);
  if (t.sink == DovecotSink::Stderr) {
    write_all(fmt::format("{}{}{}\n", prefix, dovecot_level(level), clean));
    return;
  }
  tell_prefix(t);
  send((dovecot_type(level) + 1) | kHasPrefix,
       fmt::format("{} {}", prefix.size(), prefix), clean);
}

}  // namespace mail::log
