#include "authd/passwd_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "authd/log_lines.h"
#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/process/ids.h"

namespace mail::authd {

namespace {

constexpr size_t kFileLimit = 256 << 20;

/// "hash[13]": what libpam-pwdfile puts behind says which hash it is.
std::string with_scheme(std::string_view password) {
  if (!password.ends_with(']') || password.starts_with('{')) {
    return std::string(password);
  }
  size_t open = password.rfind('[');
  if (open == std::string_view::npos) return std::string(password);
  std::string_view kind = password.substr(open + 1, password.size() - open - 2);
  std::string_view hash = password.substr(0, open);
  if (kind == "34") return fmt::format("{{PLAIN-MD5}}{}", hash);
  if (kind == "56") return fmt::format("{{DIGEST-MD5}}{}", hash);
  return fmt::format("{{CRYPT}}{}", hash);
}

void take_extra(std::string_view text, PasswdEntry& entry) {
  // ":mail" of older files: the eighth field is flags.
  if (text.starts_with(':')) {
    std::string_view mail = text.substr(1);
    if (!mail.empty())
      entry.extra.push_back("userdb_mail=" + std::string(mail));
    return;
  }
  for (std::string_view word : split(text, " \t"))
    entry.extra.emplace_back(word);
}

/// A number, or the id of a name; nullopt: neither.
std::optional<std::string> resolve(const std::string& text, bool is_user) {
  if (text.empty() || parse_number<unsigned>(text)) return text;
  if (is_user) {
    auto found = process::find_user(text);
    if (found && *found) return fmt::format("{}", (*found)->uid);
  } else {
    auto found = process::find_group(text);
    if (found && *found) return fmt::format("{}", **found);
  }
  return std::nullopt;
}

/// Why the entry cannot be used by a userdb, or "".
std::string resolve_ids(PasswdEntry& entry) {
  auto uid = resolve(entry.uid, true);
  if (!uid) {
    log_lines::error(fmt::format("Invalid UID value '{}'", entry.uid));
    return fmt::format("has invalid UID '{}'", entry.uid);
  }
  if (uid && parse_number<unsigned>(*uid) == 0u) {
    return fmt::format("has invalid UID '{}'", entry.uid);
  }
  auto gid = resolve(entry.gid, false);
  if (!gid) {
    log_lines::error(fmt::format("Invalid GID value '{}'", entry.gid));
    return fmt::format("has invalid GID '{}'", entry.gid);
  }
  if (parse_number<unsigned>(*gid) == 0u) {
    return fmt::format("has invalid GID '{}'", entry.gid);
  }
  entry.uid = *uid;
  entry.gid = *gid;
  return "";
}

std::string cut_at_slash(std::string_view value) {
  std::string_view out = value.substr(0, value.find('/'));
  // Nor may a whole component say "here" or "above".
  return out == "." || out == ".." ? std::string() : std::string(out);
}

}  // namespace

PasswdText parse_passwd_file(std::string_view text) {
  PasswdText out;
  for (std::string_view line : split_exact(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line[0] == '#' || line[0] == ':') continue;
    std::vector<std::string_view> fields;
    while (fields.size() < 7) {
      size_t colon = line.find(':');
      fields.push_back(line.substr(0, colon));
      if (colon == std::string_view::npos) {
        line = {};
        break;
      }
      line.remove_prefix(colon + 1);
      if (fields.size() == 7) break;
    }
    PasswdEntry entry;
    if (fields.size() > 1) entry.password = with_scheme(fields[1]);
    if (fields.size() > 2) entry.uid = fields[2];
    if (fields.size() > 3) entry.gid = fields[3];
    if (fields.size() > 5) entry.home = fields[5];
    entry.has_userdb = fields.size() > 3;
    if (fields.size() == 7) take_extra(line, entry);
    out.entries.emplace_back(fields[0], std::move(entry));
  }
  return out;
}

std::shared_ptr<PasswdFile> PasswdFile::shared(const std::string& path) {
  static std::map<std::string, std::weak_ptr<PasswdFile>> all;
  auto& slot = all[path];
  auto out = slot.lock();
  if (!out) slot = out = std::make_shared<PasswdFile>(path);
  return out;
}

bool PasswdFile::has_variables() const {
  return path_.find('%') != std::string::npos;
}

std::string PasswdFile::path_for(const Request& request) const {
  return expand_escaped(path_, request, cut_at_slash);
}

Result<const PasswdFile::Opened*> PasswdFile::open(const std::string& path,
                                                   bool debug) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return fail_errno("stat " + path, errno);
  auto at = open_.find(path);
  if (at != open_.end() && at->second.size == info.st_size &&
      at->second.seconds == info.st_mtim.tv_sec &&
      at->second.nanoseconds == info.st_mtim.tv_nsec &&
      at->second.inode == info.st_ino) {
    return &at->second;
  }
  auto text = TRY(read_file(path, kFileLimit));
  if (at == open_.end() && open_.size() >= kMaxOpen) open_.clear();
  Opened& fresh = open_[path] = Opened{};
  fresh.size = info.st_size;
  fresh.seconds = info.st_mtim.tv_sec;
  fresh.nanoseconds = info.st_mtim.tv_nsec;
  fresh.inode = info.st_ino;
  for (auto& [name, entry] : parse_passwd_file(text).entries) {
    if (for_users_ && entry.has_userdb) {
      std::string why = resolve_ids(entry);
      if (!why.empty()) {
        log_lines::error(
            fmt::format("passwd-file {}:User {} {}", path, name, why));
        fresh.order.push_back(name);
        continue;
      }
    } else if (for_users_) {
      log_lines::error(fmt::format(
          "passwd-file {}:User {} is missing userdb info", path, name));
    }
    fresh.order.push_back(name);
    fresh.users.try_emplace(name, std::move(entry));
  }
  if (debug) {
    log_lines::debug(fmt::format("passwd-file {}:Read {} users in 0 secs", path,
                                 fresh.order.size()));
  }
  return &fresh;
}

}  // namespace mail::authd
