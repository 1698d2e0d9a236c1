#include "common/mailbox/uidvalidity.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "common/base/file.h"
#include "common/base/handle.h"
#include "common/base/number.h"

namespace mail::mailbox {

namespace {

constexpr std::string_view kName = "dovecot-uidvalidity";
constexpr int kAttempts = 100;
using Directory = Handle<DIR, closedir>;

std::optional<uint32_t> hex8(std::string_view text) {
  if (text.size() != 8) return std::nullopt;
  return parse_number<uint32_t>(text, 16);
}

/// The greatest HEX of dovecot-uidvalidity.HEX.
std::optional<uint32_t> find_marker(const std::string& directory) {
  std::optional<uint32_t> out;
  Directory dir(opendir(directory.c_str()));
  if (!dir) return out;
  while (dirent* entry = readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (!name.starts_with(kName) || name.size() != kName.size() + 9) continue;
    if (auto value = hex8(name.substr(kName.size() + 1))) {
      out = std::max(out.value_or(0), *value);
    }
  }
  return out;
}

}  // namespace

Result<uint32_t> next_uidvalidity(const std::string& directory,
                                  const Permissions& permissions) {
  std::string file = fmt::format("{}/{}", directory, kName);
  for (int i = 0; i < kAttempts; ++i) {
    uint32_t last = 0;
    if (auto text = read_file(file, 64)) last = hex8(*text).value_or(0);
    auto marker = find_marker(directory);
    last = std::max(last, marker.value_or(0));
    auto now = static_cast<uint32_t>(time(nullptr));
    // 2^32 - 1 has no successor; a broken file must not lead there.
    uint32_t next = last == UINT32_MAX ? now : std::max(now, last + 1);
    std::string taken = fmt::format("{}.{:08x}", file, next);
    if (marker) {
      std::string old = fmt::format("{}.{:08x}", file, *marker);
      struct stat info;
      if (lstat(taken.c_str(), &info) == 0) continue;
      if (rename(old.c_str(), taken.c_str()) != 0) {
        if (errno == ENOENT) continue;
        return fail_errno(fmt::format("rename({}, {})", old, taken), errno);
      }
    } else {
      UniqueFd fd(
          ::open(taken.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
      if (!fd && errno == EEXIST) continue;
      if (!fd) return fail_errno(fmt::format("open({})", taken), errno);
    }
    TRY(permissions.replace(file, fmt::format("{}.tmp.{}", file, getpid()),
                            fmt::format("{:08x}", next), /*sync=*/false));
    return next;
  }
  return fail(Fault::Temporary,
              fmt::format("{}: too many others take a number", file));
}

}  // namespace mail::mailbox
