#include "delivery/pipe/options.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/config/postfix/params.h"

namespace mail::pipe {

namespace param = config::param;

namespace {

Result<> set_flags(Options& out, std::string_view flags) {
  for (char flag : flags) {
    switch (flag) {
      case 'B':
        out.blank_line = true;
        break;
      case 'D':
        out.delivered_to = true;
        break;
      case 'F':
        out.from_line = true;
        break;
      case 'O':
        out.original_to = true;
        break;
      case 'R':
        out.return_path = true;
        break;
      case 'X':
        out.final_delivery = true;
        break;
      case '.':
        out.stuff_dots = true;
        break;
      case '>':
        out.quote_from = true;
        break;
      case 'h':
        out.fold_domain = true;
        break;
      case 'u':
        out.fold_user = true;
        break;
      case 'q':
        out.quote_addresses = true;
        break;
      default:
        return fail(Fault::Config,
                    fmt::format("unknown flag: {} (ignored)", flag));
    }
  }
  return {};
}

char simple_escape(char c) {
  constexpr std::string_view kNames = "abfnrtv", kBytes = "\a\b\f\n\r\t\v";
  size_t at = kNames.find(c);
  return at == std::string_view::npos ? c : kBytes[at];
}

/// C escapes: \n, \015, \\.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    ++i;
    size_t digits = 0;
    int value = 0;
    while (digits < 3 && i + digits < text.size() && text[i + digits] >= '0' &&
           text[i + digits] <= '7') {
      value = value * 8 + (text[i + digits++] - '0');
    }
    out += digits > 0 ? static_cast<char>(value) : simple_escape(text[i]);
    if (digits > 0) i += digits - 1;
  }
  return out;
}

Result<> set_user(Options& out, std::string_view value) {
  auto parts = split_exact(value, ':');
  if (parts.size() > 2) {
    return fail(Fault::Config, fmt::format("bad user= value: {}", value));
  }
  out.user = parts[0];
  if (parts.size() == 2) out.group = parts[1];
  return {};
}

Result<> set_option(Options& out, std::string_view name,
                    std::string_view value) {
  if (name == "flags") return set_flags(out, value);
  if (name == "user") return set_user(out, value);
  if (name == "directory") {
    out.directory = value;
  } else if (name == "chroot") {
    out.root = value;
  } else if (name == "eol") {
    out.newline = unescape(value);
  } else if (name == "null_sender") {
    out.null_sender = value;
  } else if (name == "size") {
    auto size = parse_number<long>(value);
    if (!size || *size < 0) {
      return fail(Fault::Config, fmt::format("bad size= value: {}", value));
    }
    out.size_limit = *size;
  } else {
    return fail(Fault::Config,
                fmt::format("unknown attribute name: {}={}", name, value));
  }
  return {};
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view text = arguments[i];
    size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
      return fail(Fault::Config,
                  fmt::format("unknown attribute name: {}", text));
    }
    auto name = text.substr(0, equals), value = text.substr(equals + 1);
    if (name != "argv") {
      TRY(set_option(out, name, value));
      continue;
    }
    if (!value.empty()) out.argv.emplace_back(value);
    out.argv.insert(out.argv.end(), arguments.begin() + long(i) + 1,
                    arguments.end());
    break;
  }
  if (out.user.empty()) {
    return fail(Fault::Config, "missing user= command-line attribute");
  }
  if (out.argv.empty()) {
    return fail(Fault::Config, "missing argv= command-line attribute");
  }
  return out;
}

Result<process::UserIds> find_ids(const Options& options,
                                  const config::Settings& settings) {
  auto refuse = [](std::string what) { return fail(Fault::Config, what); };
  auto forbid = [](std::string_view what) {
    return fail(Fault::Config,
                fmt::format("user= command-line attribute specifies {}", what));
  };
  auto found = TRY(process::find_user(options.user));
  if (!found) {
    return refuse(fmt::format("unknown username: {}", options.user));
  }
  auto ids = *found;
  if (!options.group.empty()) {
    auto group = TRY(process::find_group(options.group));
    if (!group) {
      return refuse(fmt::format("unknown group: {}", options.group));
    }
    ids.gid = *group;
  }
  if (ids.uid == 0) return forbid("root privileges");
  if (ids.gid == 0) return forbid("privileged group id 0");
  const std::string& owner_name = settings.get(param::mail_owner);
  auto owner = TRY(process::find_user(owner_name));
  if (owner && owner->uid == ids.uid) {
    return forbid(fmt::format("mail system owner {}", owner_name));
  }
  if (owner && owner->gid == ids.gid) {
    return forbid(
        fmt::format("mail system owner {} group id {}", owner_name, ids.gid));
  }
  const std::string& post_name = settings.get(param::setgid_group);
  auto post = TRY(process::find_group(post_name));
  if (post && *post == ids.gid) {
    return forbid(
        fmt::format("mail system {} group id {}", post_name, ids.gid));
  }
  return ids;
}

}  // namespace mail::pipe
