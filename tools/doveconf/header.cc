#include "tools/doveconf/header.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/config/dovecot/version.h"
#include "common/process/dovecot_files.h"

namespace mail::doveconf {

namespace {

/// "Debian 12.11", of the files that name a distribution.
std::string distribution() {
  process::DovecotFiles files;
  if (auto text = files.read("/etc/debian_version")) {
    return fmt::format("Debian {}", trim(*text));
  }
  return "";
}

/// The type of the file system that `path` is on, as /proc/mounts tells it.
std::string file_system(const std::string& path) {
  struct stat wanted;
  if (stat(path.c_str(), &wanted) != 0) return "";
  process::DovecotFiles files;
  auto mounts = files.read("/proc/mounts");
  if (!mounts) return "";
  std::string found;
  for (auto line : split(*mounts, "\n")) {
    auto words = split(line, " ");
    struct stat info;
    if (words.size() < 3 || stat(std::string(words[1]).c_str(), &info) != 0) {
      continue;
    }
    if (info.st_dev == wanted.st_dev) found = words[2];
  }
  return found;
}

/// The directory of "maildir:/var/mail:INDEX=..."; empty: it has %variables,
/// or is relative to a home.
std::string directory_of(const std::string& mail_location) {
  size_t colon = mail_location.find(':');
  if (colon == std::string::npos) return "";
  std::string path = mail_location.substr(colon + 1);
  path = path.substr(0, path.find(':'));
  if (!path.starts_with("/") || path.find('%') != std::string::npos) return "";
  return path;
}

}  // namespace

std::string version_lines(const std::string& path) {
  return fmt::format("# {} ({}): {}\n# Pigeonhole version {}\n",
                     config::dovecot::kVersion, config::dovecot::kRevision,
                     path, config::dovecot::kPigeonhole);
}

std::string host_lines(const std::string& mail_location) {
  utsname system;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  std::string text;
  if (uname(&system) == 0) {
    std::string directory = directory_of(mail_location);
    text = fmt::format("# OS: {} {} {} {} {}\n", system.sysname, system.release,
                       system.machine, distribution(),
                       directory.empty() ? "" : file_system(directory));
  }
  return text + fmt::format("# Hostname: {}\n", host);
}

}  // namespace mail::doveconf
