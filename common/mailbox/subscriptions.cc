#include "common/mailbox/subscriptions.h"

#include <algorithm>
#include <cerrno>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/mailbox/control_lock.h"

namespace mail::mailbox {

namespace {

constexpr std::string_view kHeader = "V\t2\n\n";
constexpr size_t kMaxFile = 16 << 20;
constexpr std::chrono::milliseconds kTimeout{60'000};

// \001 is the escape character: \0011 itself, \001t a tab, \001n and \001r
// line ends, \0010 a null.
constexpr std::string_view kPlain = "\001\t\n\r";
constexpr std::string_view kCodes = "1tnr";

std::string escape(std::string_view part) {
  std::string out;
  for (char c : part) {
    size_t at = kPlain.find(c);
    if (at == kPlain.npos) {
      out += c;
    } else {
      out += '\001';
      out += kCodes[at];
    }
  }
  return out;
}

std::string unescape(std::string_view part) {
  std::string out;
  for (size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '\001' || i + 1 == part.size()) {
      out += part[i];
      continue;
    }
    size_t at = kCodes.find(part[++i]);
    out += at == kCodes.npos ? part[i] : kPlain[at];
  }
  return out;
}

}  // namespace

std::set<std::string> parse_subscriptions(std::string_view text,
                                          char separator) {
  std::set<std::string> out;
  bool version_2 = text.starts_with("V\t2\n");
  if (version_2) text.remove_prefix(4);
  for (std::string_view line : split(text, "\n")) {
    if (!version_2) {
      out.emplace(line);
      continue;
    }
    std::string name;
    for (std::string_view part : split_exact(line, '\t')) {
      if (!name.empty()) name += separator;
      name += unescape(part);
    }
    out.insert(std::move(name));
  }
  return out;
}

std::string format_subscriptions(const std::set<std::string>& names,
                                 char separator) {
  std::string out(kHeader);
  for (const std::string& name : names) {
    bool first = true;
    for (std::string_view part : split_exact(name, separator)) {
      if (!first) out += '\t';
      first = false;
      out += escape(part);
    }
    out += '\n';
  }
  return out;
}

Result<std::set<std::string>> read_subscriptions(const std::string& path,
                                                 char separator) {
  auto text = read_file(path, kMaxFile);
  if (!text) {
    if (text.error().sys == ENOENT || text.error().sys == ENOTDIR) {
      return std::set<std::string>();
    }
    return fail(text.error());
  }
  return parse_subscriptions(*text, separator);
}

Result<bool> change_subscription(const std::string& path, char separator,
                                 const std::string& name, bool subscribed,
                                 std::string_view host,
                                 const Permissions& permissions) {
  auto lock = TRY(ControlLock::acquire(path, host, kTimeout));
  auto names = TRY(read_subscriptions(path, separator));
  bool changed = subscribed ? names.insert(name).second : names.erase(name) > 0;
  if (!changed) return false;
  TRY(permissions.replace(path, lock.path(),
                          format_subscriptions(names, separator),
                          /*sync=*/true));
  lock.forget();
  return true;
}

}  // namespace mail::mailbox
