#include "tools/postsuper/structure.h"

#include <dirent.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "common/base/handle.h"
#include "common/queue/scanner.h"

namespace mail::postsuper {
namespace {

constexpr std::string_view kSuffix = "#FIX";
constexpr long kOld = 7 * 24 * 3600;

class Repairer {
 public:
  Repairer(const queue::Layout& layout, const Repair& repair,
           const Voice& voice, bool verbose)
      : layout_(layout), repair_(repair), voice_(voice), verbose_(verbose) {}

  Result<> pass(const std::string& queue);
  /// Files got names with the suffix: another pass is needed.
  bool unfinished() {
    bool again = again_;
    again_ = first_ = false;
    return again;
  }
  long renamed() const { return renamed_; }

 private:
  Result<> file(const std::string& queue, const std::string& name,
                const std::string& path);
  Result<> rename(const std::string& queue, std::string_view id,
                  const std::string& path, std::string_view suffix);
  std::string inode_name(const std::string& id, ino_t inode) const;
  std::vector<std::string> names(const std::string& directory,
                                 std::vector<std::string>& below) const;
  Result<> walk(const std::string& queue, const std::string& directory,
                int depth);

  const queue::Layout& layout_;
  const Repair& repair_;
  const Voice& voice_;
  bool verbose_;
  bool again_ = false, first_ = true;
  long renamed_ = 0;
};

using Directory = Handle<DIR, closedir>;

/// All at once: what is renamed while we list might come twice.
std::vector<std::string> Repairer::names(
    const std::string& directory, std::vector<std::string>& below) const {
  std::vector<std::string> files;
  Directory dir(opendir(directory.c_str()));
  if (!dir) return files;
  while (dirent* entry = readdir(dir.get())) {
    std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    struct stat st{};
    std::string path = directory + '/' + std::string(name);
    if (lstat(path.c_str(), &st) != 0) continue;
    (S_ISDIR(st.st_mode) ? below : files).emplace_back(name);
  }
  return files;
}

Result<> Repairer::pass(const std::string& queue) {
  if (verbose_) voice_.info(fmt::format("queue: {}", queue));
  return walk(queue, layout_.directory(queue), 0);
}

Result<> Repairer::walk(const std::string& queue, const std::string& directory,
                        int depth) {
  std::vector<std::string> below;
  auto files = names(directory, below);
  for (const auto& name : files) {
    TRY(file(queue, name, directory + '/' + name));
  }
  int wanted = layout_.hashed(queue) ? layout_.hash_depth : 0;
  for (const auto& name : below) {
    std::string path = directory + '/' + name;
    if (name.size() == 1) TRY(walk(queue, path, depth + 1));
    // Hash directories stay, empty or not.
    if (name.size() == 1 && depth < wanted) continue;
    if (rmdir(path.c_str()) == 0 || errno == ENOENT) continue;
    Result<> failure =
        fail_errno(fmt::format("remove directory {}", path), errno);
    if (name.size() == 1) return failure;
    voice_.warn(failure.error().what);
  }
  return {};
}

/// `id` with the number of the file's inode; itself if that is not asked for
/// or if there is none in it.
std::string Repairer::inode_name(const std::string& id, ino_t inode) const {
  if (!repair_.structure) return id;
  if (queue::id_form(id) == queue::IdForm::Long && !repair_.all_inodes) {
    return id;
  }
  auto claimed = queue::claimed_inode(id);
  if (claimed && *claimed == inode) return id;
  auto fixed = queue::with_inode(id, inode);
  return fixed ? fixed->text() : id;
}

/// Moves a file to where `id` belongs, with `suffix` after its name.
Result<> Repairer::rename(const std::string& queue, std::string_view id,
                          const std::string& path, std::string_view suffix) {
  std::string target = layout_.path(queue, id).append(suffix);
  if (target == path) return {};
  if (auto done = queue::rename_path(path, target); !done) {
    return fail_errno(fmt::format("rename file {} as {}", path, target),
                      done.error().sys);
  }
  if (verbose_) {
    voice_.info(fmt::format("renamed file {} as {}", path, target));
  }
  return {};
}

Result<> Repairer::file(const std::string& queue, const std::string& name,
                        const std::string& path) {
  struct stat st{};
  if (lstat(path.c_str(), &st) != 0) return {};
  bool message = is_message_queue(queue);
  bool unfinished = (st.st_mode & queue::kReady) != queue::kReady;
  bool regular = S_ISREG(st.st_mode);
  if (!regular || (repair_.purge && message && unfinished &&
                   time(nullptr) - st.st_mtime > kOld)) {
    if (unlink(path.c_str()) != 0 && errno != ENOENT) {
      return fail_errno(fmt::format("remove file {}", path), errno);
    }
    return {};
  }
  // What an earlier pass named, this one or one that was cut short.
  std::string id = name;
  bool fixed = name.ends_with(kSuffix);
  if (fixed) id.resize(id.size() - kSuffix.size());
  if (queue == queue::kFlush && queue::QueueId::valid(id)) return {};
  if (!queue::QueueId::valid(id)) {
    voice_.warn(fmt::format("bogus file name: {}", path));
    return {};
  }
  if (!repair_.structure) return {};
  if (fixed) {
    // In the first pass somebody else may still have that name.
    if (first_) again_ = true;
    return first_ ? Result<>{} : rename(queue, id, path, "");
  }
  if (!message) return rename(queue, id, path, "");
  std::string correct = inode_name(id, st.st_ino);
  if (correct == id) return rename(queue, id, path, "");
  // The logs first, so that they are never another message's.
  for (auto log : {queue::kBounce, queue::kDefer}) {
    std::string from = layout_.path(log, id);
    if (access(from.c_str(), F_OK) == 0) {
      TRY(rename(log, correct, from, kSuffix));
    }
  }
  TRY(rename(queue, correct, path, kSuffix));
  again_ = true;
  ++renamed_;
  return {};
}

}  // namespace

Result<long> repair(const queue::Layout& layout,
                    const std::vector<std::string>& queues,
                    const Repair& repair, const Voice& voice, bool verbose) {
  Repairer repairer(layout, repair, voice, verbose);
  do {
    for (const auto& queue : queues) TRY(repairer.pass(queue));
  } while (repairer.unfinished());
  return repairer.renamed();
}

}  // namespace mail::postsuper
