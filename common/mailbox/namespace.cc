#include "common/mailbox/namespace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "common/base/ascii.h"
#include "common/base/utf8.h"
#include "common/mailbox/name.h"

namespace mail::mailbox {

namespace {

constexpr size_t kMaxPart = 255;  // bytes of a file name
constexpr size_t kMaxName = 4096;

Failure invalid(std::string_view reason) {
  return fail(Error{Fault::Permanent,
                    fmt::format("Invalid mailbox name: {}", reason), EINVAL});
}

}  // namespace

Namespace::Namespace(NamespaceSettings settings, Layout layout, char separator)
    : settings_(std::move(settings)),
      layout_(std::move(layout)),
      separator_(separator) {}

std::string_view Namespace::prefix_name() const {
  std::string_view prefix = settings_.prefix;
  if (prefix.ends_with(separator_)) prefix.remove_suffix(1);
  return prefix;
}

int Namespace::match(std::string_view name) const {
  std::string_view prefix = settings_.prefix;
  if (prefix.empty()) return 0;
  bool inbox_prefix = istarts_with(prefix, "INBOX") &&
                      istarts_with(name, "INBOX") && name.size() >= 5;
  std::string folded(name);
  // INBOX.x in any case is below INBOX.
  if (inbox_prefix) std::copy_n(prefix.begin(), 5, folded.begin());
  if (folded.starts_with(prefix) || folded == prefix_name()) {
    return static_cast<int>(prefix.size());
  }
  return -1;
}

Result<std::string> Namespace::storage_name(std::string_view name) const {
  if (name.size() > kMaxName) return invalid("Name is too long");
  if (settings_.inbox && iequals(name, "INBOX")) return std::string("INBOX");
  int prefix = match(name);
  if (prefix < 0) return invalid("Not in this namespace");
  if (name.size() <= static_cast<size_t>(prefix) && prefix > 0) {
    return invalid("Name is empty");
  }
  name.remove_prefix(static_cast<size_t>(prefix));
  if (name.empty()) return invalid("Name is empty");
  const Location& location = layout_.location();
  char disk = location.separator();
  if (name[0] == separator_) return invalid("Begins with hierarchy separator");
  if (location.validate_names && name[0] == '~')
    return invalid("Begins with '~'");
  if (!is_utf8(name) || name.find('\0') != name.npos) {
    return invalid("Not valid UTF-8");
  }
  if (disk != separator_ && name.find(disk) != name.npos) {
    return invalid(fmt::format("Name must not have '{}' characters", disk));
  }
  if (disk != '/' && separator_ != '/' && name.find('/') != name.npos) {
    return invalid("Name must not have '/' characters");
  }
  std::string out = location.utf8_names ? std::string(name) : to_mutf7(name);
  for (std::string_view part : split_exact(out, separator_)) {
    if (part.empty()) {
      return invalid(name.back() == separator_
                         ? "Ends with hierarchy separator"
                         : "Has adjacent hierarchy separators");
    }
    if (part.size() > kMaxPart) return invalid("Component name is too long");
    if (disk == '/' && (part == "." || part == "..")) {
      return invalid(fmt::format("Contains '{}' part", part));
    }
    // cur, new, tmp of one mailbox are not others, nor are hidden files.
    bool reserved = location.driver == Driver::Maildir && disk == '/' &&
                    (part == "cur" || part == "new" || part == "tmp");
    if (reserved)
      return invalid(fmt::format("Contains reserved name '{}'", part));
    if (disk == '/' && part[0] == '.') return invalid("Begins with '.'");
  }
  if (disk == '.' && out.size() >= kMaxPart) {
    return invalid("Name is too long");
  }
  if (disk != separator_)
    std::replace(out.begin(), out.end(), separator_, disk);
  return out;
}

Result<> Namespace::check_new_name(std::string_view name) const {
  for (char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return fail(Error{Fault::Permanent,
                        "Control characters not allowed in new mailbox names",
                        EINVAL});
    }
  }
  return {};
}

std::optional<std::string> Namespace::visible_name(
    std::string_view storage_name) const {
  if (storage_name == "INBOX" && settings_.inbox) return std::string("INBOX");
  const Location& location = layout_.location();
  char disk = location.separator();
  std::string name;
  if (location.utf8_names) {
    if (!is_utf8(storage_name)) return std::nullopt;
    name = storage_name;
  } else {
    auto decoded = from_mutf7(storage_name);
    if (!decoded) return std::nullopt;
    name = std::move(*decoded);
  }
  if (disk != separator_) {
    if (name.find(separator_) != name.npos) return std::nullopt;
    std::replace(name.begin(), name.end(), disk, separator_);
  }
  // A file called INBOX beside the inbox cannot be said.
  if (settings_.inbox && settings_.prefix.empty() && iequals(name, "INBOX")) {
    return std::nullopt;
  }
  return settings_.prefix + name;
}

const MailboxSettings* Namespace::settings_of(std::string_view name) const {
  std::string_view rest = name;
  if (settings_.inbox && iequals(name, "INBOX")) {
    rest = "INBOX";
  } else {
    int prefix = match(name);
    if (prefix < 0 || name.size() < static_cast<size_t>(prefix)) return nullptr;
    rest.remove_prefix(static_cast<size_t>(prefix));
  }
  for (const MailboxSettings& one : settings_.mailboxes) {
    if (one.name == rest) return &one;
    std::string with_separator = one.name;
    std::replace(with_separator.begin(), with_separator.end(), '/', separator_);
    if (with_separator == rest) return &one;
  }
  return nullptr;
}

std::string Namespace::subscriptions_path() const {
  const Location& location = layout_.location();
  return location.control + "/" + location.subscriptions;
}

}  // namespace mail::mailbox
