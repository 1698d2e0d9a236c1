#include "queue/showq/listed.h"

namespace mail::showq {

FileStamp FileStamp::of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_mode, status.st_size,
          status.st_ctim};
}

bool operator==(const FileStamp& a, const FileStamp& b) {
  return a.device == b.device && a.inode == b.inode && a.mode == b.mode &&
         a.size == b.size && a.changed.tv_sec == b.changed.tv_sec &&
         a.changed.tv_nsec == b.changed.tv_nsec;
}

bool FileStamp::young(timespec now) const {
  constexpr time_t kTick = 2;  // seconds; the kernel's tick is far shorter
  return changed.tv_sec + kTick > now.tv_sec;
}

std::optional<std::string_view> Listed::find(std::string_view id,
                                             const Stamps& stamps) {
  key_ = id;
  auto found = messages_.find(key_);
  if (found == messages_.end() || found->second.stamps != stamps) {
    return std::nullopt;
  }
  found->second.round = round_;
  return found->second.bytes;
}

void Listed::keep(std::string_view id, const Stamps& stamps,
                  std::string_view bytes) {
  if (bytes_ + bytes.size() > kMostBytes) return;
  key_ = id;
  Message& message = messages_[key_];
  bytes_ += bytes.size() - message.bytes.size();
  message = {stamps, std::string(bytes), round_};
}

void Listed::sweep() {
  for (auto at = messages_.begin(); at != messages_.end();) {
    if (at->second.round == round_) {
      ++at;
      continue;
    }
    bytes_ -= at->second.bytes.size();
    at = messages_.erase(at);
  }
}

}  // namespace mail::showq
