#include "common/tls/openssl.h"

#include <fmt/core.h>
#include <openssl/err.h>

namespace mail::tls {

std::vector<std::string> take_library_errors() {
  std::vector<std::string> out;
  const char *file = nullptr, *function = nullptr, *data = nullptr;
  int line = 0, flags = 0;
  while (unsigned long code =
             ERR_get_error_all(&file, &line, &function, &data, &flags)) {
    char text[256];
    ERR_error_string_n(code, text, sizeof(text));
    std::string entry =
        fmt::format("TLS library problem: {}:{}:{}:", text, file, line);
    if (flags & ERR_TXT_STRING) entry += std::string(data) + ":";
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace mail::tls
