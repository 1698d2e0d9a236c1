#include "common/login/engine.h"

#include <algorithm>

#include "common/base/base64.h"

namespace mail::login {

size_t Engine::receive(std::string_view bytes) {
  if (consumed_ > 0) {
    input_.erase(0, consumed_);
    consumed_ = 0;
  }
  size_t limit = input_limit();
  size_t room = limit - std::min(limit, input_.size());
  size_t taken = std::min(room, bytes.size());
  input_.append(bytes.substr(0, taken));
  return taken;
}

void Engine::consume(size_t n) {
  consumed_ += n;
  if (consumed_ == input_.size()) {
    input_.clear();
    consumed_ = 0;
  }
}

std::optional<std::string_view> Engine::take_line() {
  auto text = unread();
  auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  // The bytes stay where they are until more are received.
  consumed_ += end + 1;
  auto line = text.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void Engine::tls_started() {
  input_.clear();
  consumed_ = 0;
  state_ = State::Command;
}

std::optional<Event> Engine::next_response() {
  auto line = take_line();
  if (!line) {
    if (!input_full()) return std::nullopt;
    return close("Authentication response too large");
  }
  if (line->size() > kSaslLimit) {
    return close("Authentication response too large");
  }
  if (*line == "*") {
    say_aborted();
    state_ = State::Command;
    return Aborted{};
  }
  state_ = State::Asked;
  return Response{std::string(*line)};
}

std::string plain_response(std::string_view user, std::string_view password) {
  std::string plain(1, '\0');
  plain += user;
  plain += '\0';
  plain += password;
  return base64_encode(plain);
}

}  // namespace mail::login
