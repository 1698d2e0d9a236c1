#include "tools/postmap/input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <string>

namespace mail::postmap {

Result<> for_each_line(const std::function<bool(std::string_view)>& take,
                       const std::function<void()>& pause) {
  std::string held;
  char buffer[65536];
  while (true) {
    if (pause) pause();
    ssize_t got = ::read(0, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read stdin", errno);
    if (got == 0) break;
    std::string_view rest(buffer, static_cast<size_t>(got));
    while (!rest.empty()) {
      size_t end = rest.find('\n');
      if (end == rest.npos) {
        held += rest;
        break;
      }
      std::string_view line = rest.substr(0, end);
      if (!held.empty()) line = held += line;
      if (!take(line)) return {};
      held.clear();
      rest.remove_prefix(end + 1);
    }
  }
  if (!held.empty()) take(held);
  return {};
}

}  // namespace mail::postmap
