#include "pop3d/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::pop3d {
namespace {
constexpr unsigned kMostBadCommands = 20;
}

Engine::Engine(const Limits& limits, Maildrop& drop)
    : limits_(limits), drop_(drop), deleted_(drop.count()) {
  for (uint32_t i = 1; i <= drop.count(); ++i) total_size_ += drop.size(i);
}

size_t Engine::receive(std::string_view bytes) {
  if (consumed_ > 0) {
    input_.erase(0, consumed_);
    consumed_ = 0;
  }
  size_t taken = std::min(limits_.line - std::min(limits_.line, input_.size()),
                          bytes.size());
  input_.append(bytes.substr(0, taken));
  counters_.input += taken;
  return taken;
}

void Engine::sent(size_t n) {
  counters_.output += n;
  if (state_ == State::Content) {
    content_bytes_ += n - std::min(n, content_begin_);
    content_begin_ -= std::min(n, content_begin_);
  }
  output_.erase(0, n);
}

void Engine::say_bye(std::string_view reason) {
  say(fmt::format("-ERR {}", reason));
  state_ = State::Closed;
}

std::optional<Event> Engine::next_event() {
  while (state_ == State::Command) {
    auto text = std::string_view(input_).substr(consumed_);
    if (text.find('\n') == std::string_view::npos &&
        text.size() < limits_.line) {
      return std::nullopt;
    }
    if (auto event = next_command()) return event;
  }
  return std::nullopt;
}

std::optional<Event> Engine::next_command() {
  auto text = std::string_view(input_).substr(consumed_);
  auto end = text.find('\n');
  if (end == std::string_view::npos) {
    say_bye("Input line too long.");
    return Closed{"Input line too long"};
  }
  auto line = text.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  auto space = line.find(' ');
  auto name = upper(line.substr(0, space));
  std::string argument(
      space == std::string_view::npos ? "" : line.substr(space + 1));
  consumed_ += end + 1;
  failed_ = false;
  return after_reply(run(name, argument));
}

std::optional<Event> Engine::after_reply(std::optional<Event> event) {
  if (!failed_) {
    bad_commands_ = 0;
    return event;
  }
  if (++bad_commands_ <= kMostBadCommands) return event;
  say_bye("Too many bad commands.");
  return Closed{"Too many bad commands."};
}

std::optional<Event> Engine::error(std::string_view text) {
  say(fmt::format("-ERR {}", text));
  failed_ = true;
  return std::nullopt;
}

std::optional<Event> Engine::run(std::string_view name,
                                 std::string_view argument) {
  if (name == "STAT") {
    stat();
  } else if (name == "LIST") {
    return list(argument, /*uidl=*/false);
  } else if (name == "UIDL") {
    return list(argument, /*uidl=*/true);
  } else if (name == "RETR") {
    return retrieve(argument);
  } else if (name == "TOP") {
    return top(argument);
  } else if (name == "DELE") {
    remove(argument);
  } else if (name == "NOOP") {
    say("+OK");
  } else if (name == "RSET") {
    reset();
    return Reset{};
  } else if (name == "CAPA") {
    list_capabilities();
  } else if (name == "LAST" && limits_.enable_last) {
    say(fmt::format("+OK {}", last_));
  } else if (name == "QUIT") {
    state_ = State::Asked;
    return Update{};
  } else if (name.empty()) {
    return error("Unknown command.");
  } else {
    return error(fmt::format("Unknown command: {}", name));
  }
  return std::nullopt;
}

void Engine::stat() {
  say(fmt::format("+OK {} {}", drop_.count() - deleted_count_,
                  total_size_ - deleted_size_));
}

void Engine::list_capabilities() {
  say("+OK");
  for (auto line :
       {"CAPA", "TOP", "UIDL", "RESP-CODES", "PIPELINING", "AUTH-RESP-CODE"}) {
    say(line);
  }
  say(".");
}

/// Takes the number from the front; nullopt: the error was said.
std::optional<uint32_t> Engine::message_number(std::string_view& argument) {
  size_t digits = 0;
  while (digits < argument.size() && is_digit(argument[digits])) ++digits;
  auto text = argument.substr(0, digits);
  if (digits == 0) {
    error(fmt::format("Invalid message number: {}", argument));
    return std::nullopt;
  }
  argument.remove_prefix(digits);
  auto number = parse_number<uint32_t>(text);
  if (!number) {
    error(fmt::format("Message number too large: {}", argument));
  } else if (*number == 0 || *number > drop_.count()) {
    error(fmt::format("There's no message {}.", *number));
  } else if (deleted_[*number - 1]) {
    error("Message is deleted.");
  } else {
    return *number;
  }
  return std::nullopt;
}

bool Engine::nothing_behind(std::string_view rest) {
  if (rest.empty()) return true;
  error(fmt::format("Noise after message number: {}", rest));
  return false;
}

std::optional<Event> Engine::list(std::string_view argument, bool uidl) {
  auto entry = [&](uint32_t message) {
    return uidl ? fmt::format("{} {}", message, drop_.uidl(message))
                : fmt::format("{} {}", message, drop_.size(message));
  };
  if (!argument.empty()) {
    auto message = message_number(argument);
    if (message && nothing_behind(argument)) {
      say(fmt::format("+OK {}", entry(*message)));
    }
    return std::nullopt;
  }
  if (uidl) {
    say("+OK");
  } else {
    say(fmt::format("+OK {} messages:", drop_.count() - deleted_count_));
  }
  for (uint32_t i = 1; i <= drop_.count(); ++i) {
    if (!deleted_[i - 1]) say(entry(i));
  }
  say(".");
  return std::nullopt;
}

std::optional<Event> Engine::retrieve(std::string_view argument) {
  auto message = message_number(argument);
  if (!message || !nothing_behind(argument)) return std::nullopt;
  last_ = std::max(last_, *message);
  current_ = Retrieve{*message, std::nullopt};
  state_ = State::Content;
  return current_;
}

std::optional<Event> Engine::top(std::string_view argument) {
  auto message = message_number(argument);
  if (!message) return std::nullopt;
  if (!argument.starts_with(' ')) {
    return error(fmt::format("Noise after message number: {}", argument));
  }
  while (argument.starts_with(' ')) argument.remove_prefix(1);
  size_t digits = 0;
  while (digits < argument.size() && is_digit(argument[digits])) ++digits;
  if (digits == 0) return error(fmt::format("Invalid size: {}", argument));
  auto lines = parse_number<uint64_t>(argument.substr(0, digits));
  argument.remove_prefix(digits);
  if (!lines) return error(fmt::format("Size too large: {}", argument));
  if (!argument.empty()) {
    return error(fmt::format("Noise after size: {}", argument));
  }
  current_ = Retrieve{*message, *lines};
  state_ = State::Content;
  return current_;
}

void Engine::remove(std::string_view argument) {
  auto message = message_number(argument);
  if (!message || !nothing_behind(argument)) return;
  deleted_[*message - 1] = true;
  ++deleted_count_;
  deleted_size_ += drop_.size(*message);
  say("+OK Marked to be deleted.");
}

void Engine::reset() {
  deleted_.assign(deleted_.size(), false);
  deleted_count_ = 0;
  deleted_size_ = 0;
  last_ = 0;
  say("+OK");
}

void Engine::begin_content() {
  content_begin_ = output_.size();
  content_bytes_ = 0;
  step_ = Step::Start;
  in_header_ = line_empty_ = true;
  enough_ = false;
  lines_left_ = current_.lines.value_or(0);
  if (current_.lines) {
    say("+OK");
  } else {
    say(fmt::format("+OK {} octets", drop_.size(current_.message)));
  }
}

// One pass: line ends to CRLF, dots doubled, the header's end and TOP's lines
// counted. Runs of plain bytes are appended whole.
bool Engine::content(std::string_view bytes) {
  while (!bytes.empty() && !enough_) {
    if (step_ == Step::CarriageReturn && bytes[0] != '\n') {
      output_ += '\r';  // a bare CR is content
      line_empty_ = false;
      step_ = Step::Line;
    }
    if (step_ == Step::Start && !in_header_ && current_.lines &&
        lines_left_ == 0) {
      enough_ = true;
      break;
    }
    char c = bytes[0];
    if (c == '\n') {
      output_ += "\r\n";
      if (in_header_) {
        in_header_ = !line_empty_;
      } else if (lines_left_ > 0) {
        --lines_left_;
      }
      step_ = Step::Start;
      line_empty_ = true;
      bytes.remove_prefix(1);
      continue;
    }
    if (c == '\r') {
      step_ = Step::CarriageReturn;
      bytes.remove_prefix(1);
      continue;
    }
    if (step_ == Step::Start && c == '.') output_ += '.';
    auto run = bytes.substr(0, bytes.find_first_of("\r\n"));
    size_t at = output_.size();
    output_ += run;
    if (limits_.no_nuls) {
      std::replace(output_.begin() + static_cast<ptrdiff_t>(at), output_.end(),
                   '\0', '\x80');
    }
    bytes.remove_prefix(run.size());
    step_ = Step::Line;
    line_empty_ = false;
  }
  return !enough_;
}

void Engine::end_content() {
  if (step_ == Step::CarriageReturn) {
    output_ += '\r';
    step_ = Step::Line;
  }
  if (step_ != Step::Start) output_ += "\r\n";
  if (in_header_ && limits_.end_of_header) output_ += "\r\n";
  uint64_t bytes = content_bytes_ + output_.size() - content_begin_;
  if (current_.lines) {
    ++counters_.top_count;
    counters_.top_bytes += bytes;
  } else {
    ++counters_.retr_count;
    counters_.retr_bytes += bytes;
  }
  say(".");
  state_ = State::Command;
}

void Engine::gone() {
  uint32_t message = current_.message;
  say(fmt::format("-ERR Message {} expunged.", message));
  state_ = gone_message_ == message ? State::Closed : State::Command;
  gone_message_ = message;
}

void Engine::quit_done(bool updated, std::string_view problem) {
  if (!updated) {
    say(fmt::format("-ERR {}", problem));
  } else if (deleted_count_ > 0) {
    counters_.deleted_count = deleted_count_;
    counters_.deleted_bytes = deleted_size_;
    say("+OK Logging out, messages deleted.");
  } else {
    say("+OK Logging out.");
  }
  state_ = State::Closed;
}

}  // namespace mail::pop3d
