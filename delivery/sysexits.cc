#include "delivery/sysexits.h"

#include <fmt/format.h>

#include "common/queue/dsn_status.h"

namespace mail::delivery {

namespace {

struct Meaning {
  int status;
  std::string_view dsn, text;
};

constexpr Meaning kMeanings[] = {{64, "5.3.0", "command line usage error"},
                                 {65, "5.6.0", "data format error"},
                                 {66, "5.3.0", "cannot open input"},
                                 {67, "5.1.1", "user unknown"},
                                 {68, "5.1.2", "host name unknown"},
                                 {69, "5.3.0", "service unavailable"},
                                 {70, "5.3.0", "internal software error"},
                                 {71, "4.3.0", "system resource problem"},
                                 {72, "5.3.0", "critical OS file missing"},
                                 {73, "5.2.0", "can't create user output file"},
                                 {74, "5.3.0", "input/output error"},
                                 {75, "4.3.0", "temporary failure"},
                                 {76, "5.5.0", "remote error in protocol"},
                                 {77, "5.7.0", "permission denied"},
                                 {78, "5.3.5", "local configuration error"}};

/// One line: a newline, also the last, becomes a blank, as in the originals.
std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  }
  return out;
}

ipc::Dsn make(std::string_view status, std::string reason,
              const std::string& output) {
  ipc::Dsn dsn;
  dsn.status = status;
  dsn.reason = std::move(reason);
  if (!output.empty()) {
    dsn.reason += ". Command output: " + output;
    dsn.diag_type = "x-unix";
    dsn.diag_text = output;
  }
  return dsn;
}

}  // namespace

ipc::Dsn judge_command(const process::CommandEnd& end,
                       std::string_view command) {
  std::string output = one_line(end.output);
  if (end.timed_out) {
    return make("5.3.0",
                fmt::format("Command time limit exceeded: \"{}\"", command),
                output);
  }
  if (end.signal != 0) {
    return make(
        "4.3.0",
        fmt::format("Command died with signal {}: \"{}\"", end.signal, command),
        output);
  }
  if (end.status == 0) {
    ipc::Dsn dsn;
    dsn.status = "2.0.0";
    return dsn;
  }
  auto said = queue::split_dsn(output, "");
  bool failure = said.status.starts_with('4') || said.status.starts_with('5');
  if (failure) {
    ipc::Dsn dsn;
    dsn.status = said.status;
    dsn.reason = said.text;
    dsn.diag_type = "x-unix";
    dsn.diag_text = said.text;
    return dsn;
  }
  for (const Meaning& meaning : kMeanings) {
    if (meaning.status == end.status) {
      return make(meaning.dsn, std::string(meaning.text), output);
    }
  }
  return make(
      "5.3.0",
      fmt::format("Command died with status {}: \"{}\"", end.status, command),
      output);
}

}  // namespace mail::delivery
