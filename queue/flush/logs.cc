#include "queue/flush/logs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <unordered_set>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/log/log.h"
#include "common/queue/scanner.h"

namespace mail::flush {

namespace {

constexpr size_t kLogLimit = 64 << 20;

std::string log_path(const queue::Layout& layout, const std::string& name) {
  return layout.path(queue::kFlush, name);
}

}  // namespace

std::string log_name(std::string_view site) {
  std::string out = lower(site);
  for (char& c : out) {
    if (!is_alnum(c)) c = '_';
  }
  return out;
}

Result<> add(const queue::Layout& layout, const std::string& site,
             const std::string& id) {
  std::string path = log_path(layout, log_name(site));
  auto fd = open_file(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0600);
  if (!fd && fd.error().sys == ENOENT) {
    TRY(queue::make_parents(path));
    fd = open_file(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0600);
  }
  UniqueFd file = TRY(std::move(fd));
  TRY(queue::lock(file.get(), queue::Lock::Exclusive));
  return write_all(file.get(), id + "\n");
}

Result<bool> make_due(const queue::Layout& layout, const std::string& id) {
  auto dated =
      queue::set_mtime(layout.path(queue::kDeferred, id), time(nullptr));
  if (dated) {
    dated = queue::rename(layout, id, queue::kDeferred, queue::kIncoming);
  }
  if (dated) return true;
  if (dated.error().sys == ENOENT) return false;
  return fail(std::move(dated).error());
}

Result<long> make_site_due(const queue::Layout& layout,
                           const std::string& name) {
  std::string path = log_path(layout, name);
  auto fd = open_file(path, O_RDWR | O_NOFOLLOW);
  if (!fd && fd.error().sys == ENOENT) return 0;
  UniqueFd file = TRY(std::move(fd));
  TRY(queue::lock(file.get(), queue::Lock::Exclusive));
  std::string text = TRY(read_file(path, kLogLimit));
  long moved = 0;
  std::unordered_set<std::string> seen;
  for (auto line : split(text, "\n")) {
    std::string id(line);
    if (!queue::QueueId::valid(id)) {
      log::warning("flush log " + name + ": bad queue id");
      continue;
    }
    if (!seen.insert(id).second) continue;
    auto due = make_due(layout, id);
    if (!due) log::warning(due.error().what);
    if (due && *due) ++moved;
  }
  if (ftruncate(file.get(), 0) != 0)
    return fail_errno("truncate " + path, errno);
  return moved;
}

Result<long> refresh(const queue::Layout& layout, Ages ages) {
  auto scanner = TRY(queue::Scanner::open(layout.directory(queue::kFlush)));
  long moved = 0;
  time_t now = time(nullptr);
  while (auto entry = TRY(scanner.next())) {
    std::string name(entry->name), path = entry->path();
    struct stat info;
    if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    long age = now - info.st_mtime;
    if (info.st_size == 0) {
      if (ages.purge > 0 && age >= ages.purge) unlink(path.c_str());
      continue;
    }
    if (age < ages.refresh) continue;
    auto done = make_site_due(layout, name);
    if (!done) {
      log::warning(done.error().what);
      continue;
    }
    moved += *done;
  }
  return moved;
}

}  // namespace mail::flush
