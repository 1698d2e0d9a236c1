#include "common/queue/scanner.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "common/base/file.h"

namespace mail::queue {

struct Scanner::Level {
  static constexpr size_t kBuffer = 32 << 10;
  UniqueFd fd;
  std::string directory;
  size_t taken = 0, size = 0;
  alignas(dirent64) char buffer[kBuffer];
};

Scanner::Scanner() = default;
Scanner::Scanner(Scanner&&) noexcept = default;
Scanner& Scanner::operator=(Scanner&&) noexcept = default;
Scanner::~Scanner() = default;

namespace {
constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
constexpr size_t kMaxDepth = 32;
}  // namespace

Result<Scanner> Scanner::open(std::string directory) {
  Scanner scanner;
  auto level = std::make_unique_for_overwrite<Level>();
  level->taken = level->size = 0;
  // The queue itself may be a link to another disk.
  level->fd = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  level->directory = std::move(directory);
  scanner.levels_.push_back(std::move(level));
  return scanner;
}

bool Scanner::descend(std::string_view name) {
  if (levels_.size() > kMaxDepth) return false;
  Level& parent = *levels_.back();
  auto level = std::make_unique_for_overwrite<Level>();
  level->directory = parent.directory + '/' + std::string(name);
  level->fd = UniqueFd(
      openat(parent.fd.get(), std::string(name).c_str(), kFlags | O_CLOEXEC));
  if (!level->fd) return false;
  levels_.push_back(std::move(level));
  return true;
}

Result<std::optional<Entry>> Scanner::next() {
  while (!levels_.empty()) {
    Level& level = *levels_.back();
    if (level.taken == level.size) {
      ssize_t n = getdents64(level.fd.get(), level.buffer, sizeof level.buffer);
      if (n < 0) {
        return fail_errno("list " + level.directory, errno);
      }
      if (n == 0) {
        levels_.pop_back();
        continue;
      }
      level.taken = 0;
      level.size = static_cast<size_t>(n);
    }
    auto* entry = reinterpret_cast<dirent64*>(level.buffer + level.taken);
    level.taken += entry->d_reclen;
    std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    if (name.size() == 1 && descend(name)) continue;
    return Entry{name, level.directory};
  }
  return std::nullopt;
}

std::optional<std::string> find(const Layout& layout, std::string_view id,
                                const std::vector<std::string>& queues) {
  for (const auto& queue : queues) {
    struct stat st{};
    if (lstat(layout.path(queue, id).c_str(), &st) == 0) return queue;
  }
  return std::nullopt;
}

}  // namespace mail::queue
