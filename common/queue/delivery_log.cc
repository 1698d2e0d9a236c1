#include "common/queue/delivery_log.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/base/number.h"

namespace mail::queue {
namespace {

constexpr size_t kMaxLine = 64 << 10;

/// One line: control characters would end it or hide in it.
std::string on_one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 32 || byte == 127) c = is_space(c) ? ' ' : '?';
  }
  return out;
}

class Lines {
 public:
  explicit Lines(std::string& out) : out_(out) {}
  void put(std::string_view name, std::string_view value) {
    fmt::format_to(std::back_inserter(out_), "{}={}\n", name,
                   on_one_line(value));
  }
  void maybe(std::string_view name, std::string_view value) {
    if (!value.empty()) put(name, value);
  }
  void pair(std::string_view name_a, std::string_view a,
            std::string_view name_b, std::string_view b) {
    if (a.empty() || b.empty()) return;
    put(name_a, a);
    put(name_b, b);
  }

 private:
  std::string& out_;
};

}  // namespace

std::string format_log_entry(const LogEntry& entry, OldLines old) {
  const auto& rcpt = entry.recipient;
  const auto& dsn = entry.dsn;
  std::string out = "\n";
  if (old == OldLines::With) {
    fmt::format_to(std::back_inserter(out), "<{}>: {}\n",
                   on_one_line(rcpt.recipient), on_one_line(dsn.reason));
  }
  Lines lines(out);
  lines.put("recipient", rcpt.recipient.empty() ? "<>" : rcpt.recipient);
  if (!iequals(rcpt.original_recipient, rcpt.recipient)) {
    lines.maybe("original_recipient", rcpt.original_recipient);
  }
  if (rcpt.offset > 0) lines.put("offset", fmt::format("{}", rcpt.offset));
  lines.maybe("dsn_orig_rcpt", rcpt.dsn_orig_rcpt);
  if (rcpt.notify_flags != 0) {
    lines.put("notify_flags", fmt::format("{}", rcpt.notify_flags));
  }
  lines.maybe("status", dsn.status);
  lines.maybe("action", dsn.action);
  lines.pair("diag_type", dsn.diag_type, "diag_text", dsn.diag_text);
  lines.pair("mta_type", dsn.mta_type, "mta_mname", dsn.mta_mname);
  lines.maybe("reason", dsn.reason);
  out += '\n';
  return out;
}

Result<> append_log(const std::string& path, std::string_view text) {
  auto fd = TRY(open_file(path, O_WRONLY | O_CREAT | O_APPEND, kWriting));
  TRY(lock(fd.get(), Lock::Exclusive));
  struct stat st{};
  if (fstat(fd.get(), &st) != 0) return fail_errno("stat " + path, errno);
  auto written = write_all(fd.get(), text);
  if (written) written = sync(fd.get());
  if (written) return {};
  // Half an entry is worse than none: the recipient is reported again.
  if (ftruncate(fd.get(), st.st_size) != 0) {
    written.error().what += "; the file could not be cut back";
  }
  return fail(std::move(written).error());
}

Result<> append_log(const Layout& layout, std::string_view queue,
                    std::string_view id, std::string_view text) {
  std::string path = layout.path(queue, id);
  auto done = append_log(path, text);
  if (done || done.error().sys != ENOENT) return done;
  TRY(make_parents(path));
  return append_log(path, text);
}

void LogParser::receive(std::string_view bytes) {
  buffer_.erase(0, taken_);
  taken_ = 0;
  buffer_.append(bytes);
}

void LogParser::take_line(std::string_view line) {
  if (line.starts_with('<')) {
    size_t end = line.find(">: ");
    if (end == std::string_view::npos) return;
    entry_.recipient.recipient = line.substr(1, end - 1);
    entry_.dsn.reason = line.substr(end + 3);
    filled_ = true;
    return;
  }
  size_t equal = line.find('=');
  if (equal == std::string_view::npos) return;
  auto name = line.substr(0, equal), value = line.substr(equal + 1);
  struct {
    std::string_view name;
    std::string& member;
  } texts[] = {
      {"recipient", entry_.recipient.recipient},
      {"original_recipient", entry_.recipient.original_recipient},
      {"dsn_orig_rcpt", entry_.recipient.dsn_orig_rcpt},
      {"status", entry_.dsn.status},
      {"action", entry_.dsn.action},
      {"diag_type", entry_.dsn.diag_type},
      {"diag_text", entry_.dsn.diag_text},
      {"mta_type", entry_.dsn.mta_type},
      {"mta_mname", entry_.dsn.mta_mname},
      {"reason", entry_.dsn.reason},
  };
  if (name == "offset") {
    entry_.recipient.offset = parse_number<long>(value).value_or(0);
  } else if (name == "notify_flags") {
    entry_.recipient.notify_flags = parse_number<int>(value).value_or(0);
  } else if (name == "recipient" && value == "<>") {
    entry_.recipient.recipient.clear();
    filled_ = true;
  } else {
    for (auto& text : texts) {
      if (text.name != name) continue;
      text.member = value;
      filled_ = true;
    }
  }
}

std::optional<LogEntry> LogParser::next() {
  for (;;) {
    std::string_view rest = std::string_view(buffer_).substr(taken_);
    size_t end = rest.find('\n');
    bool cut = end == std::string_view::npos;
    if (cut && !finished_ && rest.size() < kMaxLine) return std::nullopt;
    if (!cut || !rest.empty()) {
      auto line = rest.substr(0, std::min(cut ? rest.size() : end, kMaxLine));
      taken_ += cut ? rest.size() : end + 1;
      if (!line.empty()) {
        take_line(line);
        continue;
      }
    }
    if (filled_) {
      filled_ = false;
      return std::exchange(entry_, {});
    }
    entry_ = {};
    if (cut) return std::nullopt;
  }
}

}  // namespace mail::queue
