#include "common/mailbox/location.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "common/base/ascii.h"

namespace mail::mailbox {

namespace {

Failure config_error(std::string text) {
  return fail(Fault::Config, std::move(text));
}

bool exists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

/// Pieces between single colons; "::" stands for one colon.
std::vector<std::string> split_colons(std::string_view text) {
  std::vector<std::string> out(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ':') {
      out.back() += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == ':') {
      out.back() += ':';
      ++i;
    } else {
      out.emplace_back();
    }
  }
  return out;
}

Result<std::string> absolute(std::string path, const Owner& owner) {
  bool from_home = path == "~" || path.starts_with("~/");
  if (from_home || !path.starts_with('/')) {
    if (owner.home.empty()) {
      if (from_home) {
        return config_error(fmt::format(
            "Home directory not set for user. Can't expand ~/ for {}", path));
      }
      return config_error(fmt::format(
          "Relative path {} needs a home directory, which is not set", path));
    }
    if (from_home) path.erase(0, path.size() > 1 ? 2 : 1);
    path = path.empty() ? owner.home : owner.home + "/" + path;
  }
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Result<> set_layout(Location& out, std::string_view value) {
  if (iequals(value, "maildir++")) {
    out.layout = LayoutKind::MaildirPlusPlus;
  } else if (iequals(value, "fs")) {
    out.layout = LayoutKind::Fs;
  } else if (iequals(value, "none")) {
    out.layout = LayoutKind::None;
  } else if (iequals(value, "index")) {
    return config_error("LAYOUT=index is not supported: use maildir++ or fs");
  } else {
    return config_error(fmt::format("Unknown mailbox list driver: {}", value));
  }
  return {};
}

Result<> set_key(Location& out, const std::string& piece, const Owner& owner) {
  size_t equals = piece.find('=');
  std::string key = piece.substr(0, equals);
  std::string value = equals == piece.npos ? "" : piece.substr(equals + 1);
  if (key == "INBOX") {
    out.inbox = TRY(absolute(value, owner));
  } else if (key == "INDEX") {
    if (value == "MEMORY") {
      out.index_in_memory = true;
    } else {
      out.index = TRY(absolute(value, owner));
    }
  } else if (key == "CONTROL") {
    out.control = TRY(absolute(value, owner));
  } else if (key == "LAYOUT") {
    TRY(set_layout(out, value));
  } else if (key == "SUBSCRIPTIONS") {
    out.subscriptions = value;
  } else if (key == "UTF-8") {
    out.utf8_names = true;
  } else if (key == "BROKENCHAR") {
    if (value.size() != 1) {
      return config_error("BROKENCHAR value must be a single character");
    }
    out.broken_char = value[0];
  } else if (key == "NO-NOSELECT") {
    out.no_noselect = true;
  } else if (key == "NO-FS-VALIDATION") {
    out.validate_names = false;
  } else if (key == "ITERINDEX") {
    out.iterate_index = true;
  } else if (key == "DIRNAME" || key == "FULLDIRNAME" || key == "MAILBOXDIR" ||
             key == "INDEXPVT") {
    return config_error(fmt::format("{}= is not supported", key));
  } else if (key != "INDEXCACHE" && key != "VOLATILEDIR" &&
             key != "LISTINDEX" && key != "ALT" && key != "ALTNOCHECK") {
    // Those of the last line move files that we do not have.
    return config_error(fmt::format("Unknown setting: {}", key));
  }
  return {};
}

Result<Location> parse_driver(Driver driver, std::string_view rest,
                              const Owner& owner) {
  Location out;
  out.driver = driver;
  bool maildir = driver == Driver::Maildir;
  out.layout = maildir ? LayoutKind::MaildirPlusPlus : LayoutKind::Fs;
  out.subscriptions = maildir ? "subscriptions" : ".subscriptions";
  auto pieces = split_colons(rest);
  if (pieces[0].empty()) return config_error("Root mail directory not given");
  out.root = TRY(absolute(pieces[0], owner));
  struct stat info;
  if (stat(out.root.c_str(), &info) == 0 && !S_ISDIR(info.st_mode)) {
    return config_error(
        fmt::format("Root mail directory is a file: {}", out.root));
  }
  for (size_t i = 1; i < pieces.size(); ++i) {
    if (!pieces[i].empty()) TRY(set_key(out, pieces[i], owner));
  }
  if (out.inbox.empty()) out.inbox = maildir ? out.root : out.root + "/inbox";
  if (out.control.empty()) out.control = out.root;
  if (out.index.empty()) out.index = maildir ? out.root : out.root + "/.imap";
  return out;
}

Failure not_built(std::string_view driver, std::string_view text) {
  return config_error(fmt::format(
      "Mail storage driver {} is not supported (mail_location={}): supported "
      "are maildir: and mbox:",
      driver, text));
}

std::string user_hint(const Owner& owner) {
  return fmt::format(
      "; running with uid={}, gid={}. Set mail_location to where mail is "
      "delivered, e.g. mail_location=maildir:~/Maildir or "
      "mail_location=mbox:~/mail:INBOX=/var/mail/%u; see what is there: "
      "ls -la {}",
      geteuid(), getegid(), owner.home.empty() ? "HOME" : owner.home);
}

bool is_mbox_root(const std::string& path) {
  return is_directory(path + "/.imap") || exists(path + "/inbox") ||
         exists(path + "/mbox");
}

/// The path of a location without a driver: what is it?
Result<Location> detect_at(std::string_view text, std::string_view rest,
                           const Owner& owner) {
  auto root = TRY(absolute(split_colons(rest)[0], owner));
  if (is_directory(root + "/storage")) return not_built("mdbox", text);
  if (is_directory(root + "/mailboxes")) return not_built("sdbox", text);
  if (is_directory(root + "/cur")) {
    return parse_driver(Driver::Maildir, rest, owner);
  }
  if (is_mbox_root(root)) return parse_driver(Driver::Mbox, rest, owner);
  return config_error(fmt::format(
      "Autodetection failed for {} (home={}); tried {}/storage, {}/mailboxes, "
      "{}/cur, {}/.imap, {}/inbox, {}/mbox{}",
      text, owner.home, root, root, root, root, root, root, user_hint(owner)));
}

Result<Location> detect(const Owner& owner) {
  if (!owner.maildir_variable.empty()) {
    return parse_driver(Driver::Maildir, owner.maildir_variable, owner);
  }
  if (!owner.mail_variable.empty()) {
    return parse_location(owner.mail_variable, owner);
  }
  const std::string& home = owner.home;
  std::string tried;
  auto look = [&](const std::string& path) {
    tried += (tried.empty() ? "" : ", ") + path;
    return is_directory(path);
  };
  if (!home.empty()) {
    if (look(home + "/mdbox/storage")) return not_built("mdbox", "");
    if (look(home + "/sdbox/mailboxes")) return not_built("sdbox", "");
    if (look(home + "/Maildir/cur")) {
      return parse_driver(Driver::Maildir, "~/Maildir", owner);
    }
  }
  if (home.empty() && look("/cur")) {
    return parse_driver(Driver::Maildir, "/", owner);
  }
  for (const char* name : {"/mail", "/Mail"}) {
    std::string root = home + name;
    if (home.empty() || !look(root) || !is_mbox_root(root)) continue;
    std::string rest = "~" + std::string(name);
    for (const char* spool : {"/var/mail/", "/var/spool/mail/"}) {
      std::string inbox = spool + owner.user;
      if (access(inbox.c_str(), R_OK | W_OK) == 0) {
        rest += ":INBOX=" + inbox;
        break;
      }
    }
    return parse_driver(Driver::Mbox, rest, owner);
  }
  return config_error(
      fmt::format("Mail storage autodetection failed with home={}; tried {}{}",
                  home.empty() ? "(not set)" : home, tried, user_hint(owner)));
}

}  // namespace

bool is_directory(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<Location> parse_location(std::string_view text, const Owner& owner) {
  if (text.empty() || text == "auto:") return detect(owner);
  size_t colon = text.find(':');
  std::string_view driver =
      colon == text.npos ? std::string_view() : text.substr(0, colon);
  bool is_name = !driver.empty() && driver.find('/') == driver.npos &&
                 driver.find('~') == driver.npos;
  if (!is_name) {
    std::string_view path = text.substr(0, colon);
    if (path.starts_with("/") && exists(std::string(path))) {
      return detect_at(text, text, owner);
    }
    return config_error(fmt::format(
        "Ambiguous mail location setting, don't know what to do with it: {} "
        "(try prefixing it with mbox: or maildir:)",
        text));
  }
  std::string_view rest = text.substr(colon + 1);
  if (driver == "maildir") return parse_driver(Driver::Maildir, rest, owner);
  if (driver == "mbox") return parse_driver(Driver::Mbox, rest, owner);
  if (driver == "auto") return detect_at(text, rest, owner);
  for (std::string_view known : {"sdbox", "mdbox", "dbox", "imapc", "pop3c",
                                 "shared", "virtual", "raw", "cydir", "fail"}) {
    if (driver == known) return not_built(driver, text);
  }
  return config_error(fmt::format("Unknown mail storage driver {}", driver));
}

}  // namespace mail::mailbox
