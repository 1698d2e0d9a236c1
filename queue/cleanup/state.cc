#include "queue/cleanup/state.h"

#include <fmt/format.h>

#include "common/log/log.h"
#include "common/mime/address.h"

namespace mail::cleanup {

std::string State::shown(const std::string& address) const {
  return config.external_form ? mime::quote_local(address) : address;
}

void State::log_action(std::string_view action, std::string_view context,
                       std::string_view content, std::string_view text) const {
  constexpr size_t kShown = 200;
  std::string line = fmt::format("{}: {}: {}", out.id(), action, context);
  if (!content.empty()) line += fmt::format(" {}", content.substr(0, kShown));
  auto name = attribute("log_client_name");
  auto address = attribute("log_client_address");
  if (name.empty()) {
    line += " from local";
  } else {
    line += fmt::format(" from {}[{}]", name, address);
  }
  line += fmt::format("; from=<{}>", shown(sender.value_or("")));
  if (!last_recipient.empty()) {
    line += fmt::format(" to=<{}>", shown(last_recipient));
  }
  if (auto proto = attribute("log_protocol_name"); !proto.empty()) {
    line += fmt::format(" proto={}", proto);
  }
  if (auto helo = attribute("log_helo_name"); !helo.empty()) {
    line += fmt::format(" helo=<{}>", helo);
  }
  if (!text.empty()) line += fmt::format(": {}", text);
  log::info(line);
}

}  // namespace mail::cleanup
