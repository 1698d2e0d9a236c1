#include "tools/doveadm/auth_info.h"

#include <termios.h>
#include <unistd.h>

#include "common/base/file.h"

namespace mail::doveadm {

std::string ask_password(Context& context, std::string_view prompt) {
  termios before{};
  bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    context.flush();
    (void)write_all(STDERR_FILENO, prompt);
    termios quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  std::string out;
  char c;
  while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n') out += c;
  if (terminal) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)write_all(STDERR_FILENO, "\n");
  }
  return out;
}

bool is_mask(std::string_view text) {
  return text.find_first_of("*?") != std::string_view::npos;
}

bool matches_mask(std::string_view mask, std::string_view name) {
  while (!mask.empty()) {
    if (mask[0] == '*') {
      mask.remove_prefix(1);
      for (size_t i = 0; i <= name.size(); ++i) {
        if (matches_mask(mask, name.substr(i))) return true;
      }
      return false;
    }
    if (name.empty() || (mask[0] != '?' && mask[0] != name[0])) return false;
    mask.remove_prefix(1);
    name.remove_prefix(1);
  }
  return name.empty();
}

}  // namespace mail::doveadm
