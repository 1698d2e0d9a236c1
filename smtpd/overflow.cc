#include "smtpd/overflow.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/file.h"

namespace mail::smtpd {

Result<> Overflow::append(std::string_view bytes) {
  memory_ += bytes;
  if (memory_.size() < kInMemory) return {};
  return spill();
}

Result<> Overflow::spill() {
  if (!file_) {
    file_.reset(open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file_) {
      return fail_errno("open a temporary file in " + directory_, errno);
    }
  }
  TRY(write_all(file_.get(), memory_));
  in_file_ += memory_.size();
  memory_.clear();
  return {};
}

Result<std::string> Overflow::read(size_t offset, size_t most) const {
  if (offset >= in_file_) {
    size_t at = std::min(offset - in_file_, memory_.size());
    return memory_.substr(at, most);
  }
  std::string out(std::min(most, in_file_ - offset), '\0');
  ssize_t n;
  do {
    n = pread(file_.get(), out.data(), out.size(), static_cast<off_t>(offset));
  } while (n < 0 && errno == EINTR);
  if (n <= 0) return fail_errno("read a temporary file", n < 0 ? errno : EIO);
  out.resize(static_cast<size_t>(n));
  return out;
}

}  // namespace mail::smtpd
