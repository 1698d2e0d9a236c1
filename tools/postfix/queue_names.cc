#include "tools/postfix/queue_names.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "common/base/ascii.h"
#include "common/base/handle.h"
#include "common/config/postfix/params.h"
#include "common/queue/queue_id.h"
#include "common/queue/spool.h"

namespace mail::postfix_command {

namespace param = config::param;

namespace {

constexpr int kSample = 8;

/// Looks at up to `left` messages at and below `directory`.
bool sample_is_wrong(const queue::Layout& layout, std::string_view queue,
                     const std::string& directory, int& left) {
  Handle<DIR, closedir> entries(opendir(directory.c_str()));
  if (!entries) return false;
  while (left > 0) {
    const dirent* entry = readdir(entries.get());
    if (!entry) return false;
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    std::string path = fmt::format("{}/{}", directory, name);
    if (name.size() == 1) {
      if (sample_is_wrong(layout, queue, path, left)) return true;
      continue;
    }
    if (!queue::QueueId::valid(name)) continue;
    --left;
    struct stat status;
    if (lstat(path.c_str(), &status) != 0) continue;
    auto inode = queue::claimed_inode(name);
    if (inode && *inode != status.st_ino) return true;
    if (path != layout.path(queue, name)) return true;
  }
  return false;
}

}  // namespace

bool queue_names_need_mending(const Site& site) {
  queue::Layout layout;
  layout.root = site.queue_directory();
  layout.hash_names.clear();
  for (auto name : split(site.settings->get(param::hash_queue_names))) {
    layout.hash_names.emplace_back(name);
  }
  layout.hash_depth =
      static_cast<int>(site.settings->get(param::hash_queue_depth));
  for (std::string_view queue :
       {queue::kMaildrop, queue::kIncoming, queue::kActive, queue::kDeferred,
        queue::kHold}) {
    int left = kSample;
    std::string directory = fmt::format("{}/{}", layout.root, queue);
    if (sample_is_wrong(layout, queue, directory, left)) return true;
  }
  return false;
}

}  // namespace mail::postfix_command
