#include "smtpd/policyd-spf/request.h"

#include <utility>

#include "common/base/ascii.h"

namespace mail::policyd_spf {

bool RequestParser::take(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return true;
  bytes_ += line.size();
  size_t equal = line.find('=');
  if (equal == std::string_view::npos || equal == 0) {
    if (bad_line) bad_line(line);
    return false;
  }
  auto name = line.substr(0, equal), value = line.substr(equal + 1);
  struct {
    std::string_view name;
    std::string& member;
  } members[] = {
      {"client_address", request_.client_address},
      {"helo_name", request_.helo_name},
      {"sender", request_.sender},
      {"recipient", request_.recipient},
      {"instance", request_.instance},
      {"queue_id", request_.queue_id},
  };
  for (auto& member : members) {
    if (member.name != name) continue;
    member.member = name == "queue_id" ? std::string(value) : lower(value);
  }
  return false;
}

Request RequestParser::take_request() {
  bytes_ = 0;
  return std::exchange(request_, {});
}

}  // namespace mail::policyd_spf
