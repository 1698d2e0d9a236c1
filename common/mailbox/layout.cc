#include "common/mailbox/layout.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/base/handle.h"
#include "common/crypto/random.h"
#include "common/mailbox/denied.h"
#include "common/mailbox/privileged_group.h"

namespace mail::mailbox {

namespace {

using Directory = Handle<DIR, closedir>;
constexpr int kMaxDepth = 64;
constexpr const char* kParts[] = {"cur", "new", "tmp"};

bool is_inbox(std::string_view name) { return name == "INBOX"; }

Failure told(std::string text, int error) {
  return fail(Error{Fault::Permanent, std::move(text), error});
}

bool leads_to_directory(const dirent* entry, const std::string& path) {
  if (entry->d_type == DT_DIR) return true;
  if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) return false;
  return is_directory(path);
}

std::string parent_of(const std::string& path) {
  return path.substr(0, std::max<size_t>(path.rfind('/'), 1));
}

/// A tree that is no longer anybody's. Errors are left: what cannot be
/// removed is not seen under its name.
void remove_tree(int directory, const char* name, int depth) {
  if (unlinkat(directory, name, 0) == 0 || depth > kMaxDepth) return;
  UniqueFd fd(
      openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return;
  int raw = fd.get();
  Directory dir(fdopendir(fd.release()));
  if (!dir) return;
  while (dirent* entry = readdir(dir.get())) {
    std::string_view child = entry->d_name;
    if (child != "." && child != "..") {
      remove_tree(raw, entry->d_name, depth + 1);
    }
  }
  unlinkat(directory, name, AT_REMOVEDIR);
}

void remove_tree(const std::string& path) {
  remove_tree(AT_FDCWD, path.c_str(), 0);
}

}  // namespace

std::string Layout::below(const std::string& root,
                          std::string_view name) const {
  if (location_.layout == LayoutKind::MaildirPlusPlus) {
    return fmt::format("{}/.{}", root, name);
  }
  return fmt::format("{}/{}", root, name);
}

std::string Layout::mailbox_path(std::string_view name) const {
  if (is_inbox(name)) return location_.inbox;
  return below(location_.root, name);
}

std::string Layout::control_path(std::string_view name) const {
  if (location_.control == location_.root) return mailbox_path(name);
  return below(location_.control, name);
}

std::string Layout::index_path(std::string_view name) const {
  if (location_.driver == Driver::Mbox) {
    // ~/mail/dir/.imap/box, or INDEX/box.
    if (location_.index != location_.root + "/.imap") {
      return below(location_.index, name);
    }
    size_t slash = name.rfind('/');
    if (slash == name.npos) return below(location_.index, name);
    return fmt::format("{}/{}/.imap/{}", location_.root, name.substr(0, slash),
                       name.substr(slash + 1));
  }
  if (location_.index == location_.root) return mailbox_path(name);
  return below(location_.index, name);
}

Layout::Kind Layout::kind_of(std::string_view name) const {
  std::string path = mailbox_path(name);
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return Kind::None;
  bool directory = S_ISDIR(info.st_mode);
  if (location_.driver == Driver::Mbox) {
    return directory ? Kind::NoSelect : Kind::Mailbox;
  }
  if (!directory) return Kind::None;
  bool plus_plus = location_.layout == LayoutKind::MaildirPlusPlus;
  if (plus_plus && !is_inbox(name)) return Kind::Mailbox;
  if (is_directory(path + "/cur") || is_directory(path + "/new")) {
    return Kind::Mailbox;
  }
  return is_inbox(name) ? Kind::None : Kind::NoSelect;
}

Result<> Layout::list_maildirpp(std::map<std::string, Found>& out) const {
  Directory dir(opendir(location_.root.c_str()));
  if (!dir) {
    if (errno == ENOENT) return {};
    return fail_access(fmt::format("opendir({}) failed", location_.root),
                       location_.root, Wanted::Read, errno);
  }
  while (dirent* entry = readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (name.size() < 2 || name[0] != '.' || name[1] == '.') continue;
    if (!leads_to_directory(entry, fmt::format("{}/{}", location_.root, name))) {
      continue;
    }
    out[std::string(name.substr(1))].kind = Kind::Mailbox;
  }
  return {};
}

Result<> Layout::list_fs(const std::string& directory,
                         const std::string& prefix, int depth,
                         std::map<std::string, Found>& out) const {
  if (depth > kMaxDepth) return {};
  Directory dir(opendir(directory.c_str()));
  if (!dir) {
    if (errno == ENOENT || (depth > 0 && errno == EACCES)) return {};
    return fail_access(fmt::format("opendir({}) failed", directory), directory,
                       Wanted::Read, errno);
  }
  bool mbox = location_.driver == Driver::Mbox;
  while (dirent* entry = readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (name[0] == '.') continue;
    std::string path = fmt::format("{}/{}", directory, name);
    std::string full = prefix + std::string(name);
    bool is_dir = leads_to_directory(entry, path);
    if (mbox && !is_dir) {
      if (name.ends_with(".lock") || path == location_.inbox) continue;
      struct stat info;
      if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
      Found& found = out[full];
      found.kind = Kind::Mailbox;
      found.no_inferiors = true;
      found.marked = info.st_mtime > info.st_atime;
      continue;
    }
    if (!is_dir) continue;
    if (!mbox && (name == "cur" || name == "new" || name == "tmp")) continue;
    if (path == location_.inbox || path == location_.control ||
        path == location_.index) {
      continue;
    }
    out[full].kind =
        !mbox && is_directory(path + "/cur") ? Kind::Mailbox : Kind::NoSelect;
    TRY(list_fs(path, full + "/", depth + 1, out));
  }
  return {};
}

Result<std::map<std::string, Layout::Found>> Layout::list() const {
  std::map<std::string, Found> out;
  if (location_.layout == LayoutKind::MaildirPlusPlus) {
    TRY(list_maildirpp(out));
  } else if (location_.layout == LayoutKind::Fs) {
    TRY(list_fs(location_.root, "", 0, out));
  }
  return out;
}

Result<> Layout::make_maildir(const std::string& path, bool folder_file,
                              const Permissions& permissions) const {
  for (const char* part : kParts) {
    TRY(permissions.make_directories(fmt::format("{}/{}", path, part)));
  }
  if (folder_file) {
    TRY(permissions.create(path + "/maildirfolder", O_WRONLY));
  }
  return {};
}

Result<> Layout::create(std::string_view name) const {
  std::string path = mailbox_path(name);
  Permissions permissions = Permissions::of(location_.root);
  if (kind_of(name) == Kind::Mailbox) {
    return told("Mailbox already exists", EEXIST);
  }
  TRY(permissions.make_directories(parent_of(path)));
  if (location_.driver == Driver::Mbox) {
    if (kind_of(name) == Kind::NoSelect) {
      return told("Mailbox already exists", EEXIST);
    }
    TRY(permissions.create(path, O_WRONLY | O_EXCL));
    return {};
  }
  bool plus_plus = location_.layout == LayoutKind::MaildirPlusPlus;
  return make_maildir(path, plus_plus, permissions);
}

Result<> Layout::create_directory(std::string_view name) const {
  if (location_.layout == LayoutKind::MaildirPlusPlus) return create(name);
  if (kind_of(name) != Kind::None) {
    return told("Mailbox already exists", EEXIST);
  }
  return Permissions::of(location_.root).make_directories(mailbox_path(name));
}

Result<> Layout::create_inbox(std::optional<gid_t> group) const {
  if (location_.driver == Driver::Mbox) {
    Permissions permissions = Permissions::of(location_.root);
    TRY(permissions.make_directories(location_.root));
    struct stat info;
    if (stat(location_.inbox.c_str(), &info) == 0) return {};
    WithGroup with_group(group);
    auto fd = Permissions().create(location_.inbox, O_WRONLY | O_EXCL);
    if (fd || fd.error().sys == EEXIST) return {};
    Error error = fd.error();
    if (error.sys == EACCES && !group) {
      error.what += " (set mail_privileged_group=mail)";
    }
    return fail(error);
  }
  bool made = !is_directory(location_.inbox);
  return make_maildir(location_.inbox,
                      made && location_.layout == LayoutKind::MaildirPlusPlus,
                      Permissions::of(location_.inbox));
}

Result<> Layout::mend(std::string_view name) const {
  std::string path = mailbox_path(name);
  if (location_.driver == Driver::Maildir) {
    bool whole = true;
    for (const char* part : kParts) {
      whole = whole && is_directory(fmt::format("{}/{}", path, part));
    }
    if (!whole) TRY(make_maildir(path, false, Permissions::of(path)));
  }
  std::string control = control_path(name);
  if (control == path) return {};
  if (location_.driver == Driver::Mbox) return {};
  return Permissions::of(path).make_directories(control);
}

Result<> Layout::remove(std::string_view name) const {
  std::string path = mailbox_path(name);
  Kind kind = kind_of(name);
  if (kind == Kind::None) {
    return told(fmt::format("Mailbox doesn't exist: {}", name), ENOENT);
  }
  if (kind == Kind::NoSelect) {
    if (rmdir(path.c_str()) == 0) return {};
    if (errno == ENOTEMPTY || errno == EEXIST) {
      return told("Mailbox has children, delete them first", ENOTEMPTY);
    }
    return fail_access(fmt::format("rmdir({}) failed", path), path,
                       Wanted::Entry, errno);
  }
  std::string control = control_path(name), index = index_path(name);
  if (location_.driver == Driver::Mbox) {
    if (unlink(path.c_str()) != 0) {
      return fail_errno(fmt::format("unlink({})", path), errno);
    }
  } else if (location_.layout == LayoutKind::MaildirPlusPlus) {
    // One step for others; a name that no listing shows.
    std::string trash =
        fmt::format("{}/..DOVECOT-TRASHED.{}.{}", location_.root, getpid(),
                    crypto::random_below(1U << 30));
    if (::rename(path.c_str(), trash.c_str()) != 0) {
      return fail_errno(fmt::format("rename({}, {})", path, trash), errno);
    }
    remove_tree(trash);
  } else {
    for (const char* part : kParts) {
      remove_tree(fmt::format("{}/{}", path, part));
    }
    for (const char* file :
         {"dovecot-uidlist", "dovecot-keywords", "dovecot.index",
          "dovecot.index.log", "dovecot.index.log.2", "dovecot.index.cache"}) {
      unlink(fmt::format("{}/{}", path, file).c_str());
    }
    // Stays, \Noselect, when other mailboxes are in it.
    rmdir(path.c_str());
  }
  // Children have directories of their own beside them in Maildir++ only.
  if (location_.layout == LayoutKind::MaildirPlusPlus ||
      location_.driver == Driver::Mbox) {
    if (control != path && location_.driver == Driver::Maildir) {
      remove_tree(control);
    }
    if (index != path) remove_tree(index);
  }
  return {};
}

Result<> Layout::rename(std::string_view from, std::string_view to) const {
  struct Move {
    std::string from, to;
  };
  std::vector<Move> names;
  if (kind_of(from) != Kind::None) {
    names.push_back({std::string(from), std::string(to)});
  }
  if (location_.layout == LayoutKind::MaildirPlusPlus) {
    std::string prefix = fmt::format("{}.", from);
    auto all = TRY(list());
    for (auto& [name, _] : all) {
      if (!name.starts_with(prefix)) continue;
      names.push_back(
          {name, fmt::format("{}.{}", to, name.substr(prefix.size()))});
    }
  }
  if (names.empty()) {
    return told(fmt::format("Mailbox doesn't exist: {}", from), ENOENT);
  }
  for (const Move& move : names) {
    if (kind_of(move.to) != Kind::None) {
      return told("Target mailbox already exists", EEXIST);
    }
  }
  Permissions permissions = Permissions::of(location_.root);
  for (const Move& move : names) {
    std::string old_path = mailbox_path(move.from);
    std::string new_path = mailbox_path(move.to);
    std::string old_control = control_path(move.from);
    std::string old_index = index_path(move.from);
    TRY(permissions.make_directories(parent_of(new_path)));
    if (::rename(old_path.c_str(), new_path.c_str()) != 0) {
      return fail_errno(fmt::format("rename({}, {})", old_path, new_path),
                        errno);
    }
    if (old_control != old_path && is_directory(old_control)) {
      std::string path = control_path(move.to);
      TRY(permissions.make_directories(parent_of(path)));
      if (::rename(old_control.c_str(), path.c_str()) != 0) {
        return fail_errno(fmt::format("rename({}, {})", old_control, path),
                          errno);
      }
    }
    if (old_index != old_path && is_directory(old_index)) {
      std::string path = index_path(move.to);
      if (permissions.make_directories(parent_of(path)) &&
          ::rename(old_index.c_str(), path.c_str()) != 0) {
        remove_tree(old_index);
      }
    }
  }
  return {};
}

}  // namespace mail::mailbox
