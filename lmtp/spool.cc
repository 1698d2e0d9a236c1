#include "lmtp/spool.h"

#include <fcntl.h>

#include "common/base/file.h"

namespace mail::lmtp {
namespace {
constexpr size_t kBeginning = 16 * 1024;
constexpr size_t kWriteSize = 128 * 1024;
}  // namespace

Result<> Spool::append(std::string_view bytes) {
  size_ += bytes.size();
  if (failed_) return {};
  memory_ += bytes;
  if (!file_ && memory_.size() <= most_) return {};
  if (file_ && memory_.size() < kWriteSize) return {};
  return write_out();
}

Result<> Spool::write_out() {
  if (!file_) {
    auto opened = open_file(directory_, O_TMPFILE | O_RDWR, 0600);
    if (!opened) {
      failed_ = true;
      memory_.clear();
      return fail(std::move(opened.error()));
    }
    file_ = std::move(*opened);
    beginning_ = memory_.substr(0, kBeginning);
  }
  auto written = write_all(file_.get(), memory_);
  memory_.clear();
  if (!written) failed_ = true;
  return written;
}

Result<> Spool::finish() {
  if (failed_) return fail(Fault::Temporary, "message could not be spooled");
  if (file_ && !memory_.empty()) return write_out();
  return {};
}

}  // namespace mail::lmtp
