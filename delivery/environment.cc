#include "delivery/environment.h"

#include <fmt/format.h>

#include <cstdlib>

#include "common/base/ascii.h"

namespace mail::delivery {

std::vector<std::string> command_environment(const config::Settings& settings) {
  std::vector<std::string> out;
  for (auto name : split(settings.get(config::param::export_environment))) {
    if (name.find('=') != std::string_view::npos) {
      out.emplace_back(name);
      continue;
    }
    const char* value = getenv(std::string(name).c_str());
    if (value != nullptr && *value != 0) {
      out.push_back(fmt::format("{}={}", name, value));
    }
  }
  out.emplace_back("PATH=/usr/bin:/bin");
  return out;
}

}  // namespace mail::delivery
