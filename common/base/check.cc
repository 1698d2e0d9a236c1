#include "common/base/check.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "common/base/result.h"

namespace mail {

namespace {
CheckHandler check_handler = nullptr;
}  // namespace

void set_check_handler(CheckHandler handler) { check_handler = handler; }

void check_failed(const char* expression, const char* file, int line) {
  std::string text = "check failed: ";
  text.append(expression).append(" at ").append(file).append(":");
  text.append(std::to_string(line));
  if (check_handler) {
    check_handler(text);
  } else {
    text += '\n';
    [[maybe_unused]] auto n = write(STDERR_FILENO, text.data(), text.size());
  }
  std::abort();
}

Failure fail(Fault fault, std::string what) {
  return Failure(Error{fault, std::move(what), 0});
}

Failure fail_errno(std::string_view what, int sys) {
  std::string text(what);
  if (!text.empty()) text += ": ";
  text += strerror(sys);
  return Failure(Error{Fault::Temporary, std::move(text), sys});
}

}  // namespace mail
