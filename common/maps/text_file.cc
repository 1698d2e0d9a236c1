#include "common/maps/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace mail::maps {

Result<std::string> TextFile::read() {
  auto fd = watched_.open(O_RDONLY);
  if (!fd) return fail_errno(what_ + path(), fd.error().sys);
  watched_.seen(fd->get());
  std::string text;
  text.resize(static_cast<size_t>(watched_.stamp().size) + 4096);
  size_t have = 0;
  while (true) {
    ssize_t got = ::read(fd->get(), text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + path(), errno);
    if (got == 0) break;
    have += static_cast<size_t>(got);
    if (have == text.size()) text.resize(have * 2);
  }
  text.resize(have);
  return text;
}

}  // namespace mail::maps
