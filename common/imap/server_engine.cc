#include "common/imap/server_engine.h"

#include <algorithm>

#include "common/base/check.h"

namespace mail::imap {
namespace {

constexpr size_t kMaxTag = 64;
constexpr size_t kMaxName = 64;

/// The word at `at` (moved behind it and one blank); ends at blank or line end.
std::string_view take_word(std::string_view input, size_t& at) {
  size_t end = input.find_first_of(" \r\n", at);
  if (end == std::string_view::npos) end = input.size();
  std::string_view word = input.substr(at, end - at);
  at = end;
  if (at < input.size() && input[at] == ' ') ++at;
  return word;
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxName) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_print(c) &&
           std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
  });
}

}  // namespace

bool is_tag(std::string_view text) {
  if (text.empty() || text.size() > kMaxTag) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_print(c) &&
           std::string_view(" (){%*\"\\+").find(c) == std::string_view::npos;
  });
}

bool ServerEngine::has_line(std::string_view input) {
  if (input.find('\n', scanned_) != std::string_view::npos) return true;
  scanned_ = input.size();
  return false;
}

std::optional<Event> ServerEngine::bad(BadCommand::Where where,
                                       std::string_view what,
                                       std::string_view input, size_t at) {
  BadCommand out{tag_, name_, std::string(what), where};
  size_t lf = input.find('\n', at);
  if (lf == std::string_view::npos) {
    consumed_ = input.size();
    state_ = State::SkipLine;
  } else {
    consumed_ = lf + 1;
    state_ = State::Command;
  }
  return out;
}

void ServerEngine::acknowledge(const ArgReader& reader) {
  for (; acknowledged_ < reader.sync_literals; ++acknowledged_) {
    pending_ += "+ OK\r\n";
  }
}

std::optional<Event> ServerEngine::next(std::string_view input) {
  consumed_ = 0;
  if (input.size() < need_) return std::nullopt;
  std::optional<Event> event;
  switch (state_) {
    case State::Command:
      event = command(input);
      break;
    case State::SkipLine: {
      size_t lf = input.find('\n');
      consumed_ = lf == std::string_view::npos ? input.size() : lf + 1;
      if (lf != std::string_view::npos) state_ = State::Command;
      break;
    }
    case State::AwaitAnswer:
      break;
    case State::Message:
    case State::SkipMessage:
      event = message(input);
      break;
    case State::AfterMessage:
    case State::SkipAfter:
      event = after_message(input);
      break;
    case State::Line:
      event = line(input);
      break;
  }
  if (consumed_) need_ = scanned_ = 0;
  return event;
}

std::optional<Event> ServerEngine::command(std::string_view input) {
  if (!has_line(input)) {
    if (input.size() <= limits_.line) return std::nullopt;
    size_t at = 0;
    tag_ = std::string(take_word(input, at).substr(0, kMaxTag));
    if (!is_tag(tag_)) tag_ = "*";
    name_ = upper(take_word(input, at).substr(0, kMaxName));
    return bad(BadCommand::Where::Arguments, "Too long argument", input, at);
  }
  size_t at = 0;
  std::string_view tag = take_word(input, at);
  name_.clear();
  if (!is_tag(tag)) {
    tag_ = "*";
    return bad(BadCommand::Where::Tag, "Invalid tag", input, at);
  }
  tag_ = tag;
  name_ = upper(take_word(input, at));
  if (name_ == "UID") {
    std::string rest = upper(take_word(input, at));
    name_ = rest.empty() ? rest : "UID " + rest;
  }
  if (!is_name(name_.starts_with("UID ") ? std::string_view(name_).substr(4)
                                         : std::string_view(name_))) {
    name_.clear();
    return bad(BadCommand::Where::Command, "Invalid command name", input, at);
  }
  return read_args(input, at);
}

std::optional<Event> ServerEngine::read_args(std::string_view input,
                                             size_t at) {
  ArgReader::Options options;
  options.max_line = limits_.line;
  options.literal_minus = limits_.literal_minus;
  if (name_ == "APPEND") options.stop_after = 1;  // behind the mailbox
  ArgReader reader(options);
  auto state = reader.read(input.substr(at));
  acknowledge(reader);
  switch (state) {
    case ArgReader::State::NeedMore:
      need_ = at + reader.need;
      scanned_ = 0;  // the line that ends a literal's command is searched anew
      return std::nullopt;
    case ArgReader::State::Failed:
      acknowledged_ = 0;
      if (reader.error.fatal) {
        consumed_ = input.size();
        return Fatal{reader.error.what};
      }
      return bad(BadCommand::Where::Arguments, reader.error.what, input,
                 at + (reader.end ? reader.end - 1 : 0));
    case ArgReader::State::AtLiteral:
      consumed_ = at + reader.end;
      acknowledged_ = 0;
      literal_ = *reader.literal;
      state_ = State::AwaitAnswer;
      return AppendMessage{tag_, std::move(reader.args), literal_, true};
    case ArgReader::State::Complete:
      break;
  }
  consumed_ = at + reader.end;
  acknowledged_ = 0;
  return Command{tag_, name_, std::move(reader.args)};
}

void ServerEngine::accept_message() {
  CHECK(state_ == State::AwaitAnswer);
  if (literal_.sync) pending_ += "+ OK\r\n";
  message_left_ = literal_.size;
  state_ = State::Message;
}

void ServerEngine::refuse_message() {
  message_left_ = literal_.size;
  if (state_ == State::AwaitAnswer) {
    // A client that asked first reads the refusal and sends nothing.
    state_ = literal_.sync ? State::Command : State::SkipMessage;
  } else if (state_ == State::AfterMessage) {
    state_ = State::SkipAfter;
  } else if (state_ == State::Message) {
    state_ = State::SkipMessage;
  }
}

std::optional<Event> ServerEngine::message(std::string_view input) {
  if (input.empty() && message_left_ > 0) return std::nullopt;
  auto n = static_cast<size_t>(std::min<uint64_t>(input.size(), message_left_));
  message_left_ -= n;
  consumed_ = n;
  bool skip = state_ == State::SkipMessage;
  if (message_left_ == 0) {
    state_ = skip ? State::SkipAfter : State::AfterMessage;
    need_ = scanned_ = 0;
  }
  if (skip) return std::nullopt;
  return AppendBytes{input.substr(0, n), message_left_ == 0};
}

std::optional<Event> ServerEngine::after_message(std::string_view input) {
  ArgReader::Options options;
  options.max_line = limits_.line;
  options.stop_after = 0;
  ArgReader reader(options);
  bool skip = state_ == State::SkipAfter;
  switch (reader.read(input)) {
    case ArgReader::State::NeedMore:
      need_ = reader.need;
      return std::nullopt;
    case ArgReader::State::AtLiteral:
      consumed_ = reader.end;
      literal_ = *reader.literal;
      state_ = State::AwaitAnswer;
      if (skip) {
        refuse_message();
        return std::nullopt;
      }
      return AppendMessage{tag_, std::move(reader.args), literal_, false};
    case ArgReader::State::Complete:
      consumed_ = reader.end;
      state_ = State::Command;
      if (skip) return std::nullopt;
      if (reader.args.empty()) return AppendEnd{};
      return BadCommand{tag_, name_, "Missing message size"};
    case ArgReader::State::Failed:
      break;
  }
  if (skip) {
    (void)bad(BadCommand::Where::Arguments, "", input, 0);
    return std::nullopt;
  }
  return bad(BadCommand::Where::Arguments, reader.error.what, input, 0);
}

std::optional<Event> ServerEngine::line(std::string_view input) {
  if (!has_line(input)) {
    if (input.size() <= limits_.line) return std::nullopt;
    consumed_ = input.size();
    return Fatal{"Too long line"};
  }
  size_t lf = input.find('\n');
  std::string_view text = input.substr(0, lf);
  if (text.ends_with('\r')) text.remove_suffix(1);
  consumed_ = lf + 1;
  state_ = State::Command;
  return Line{std::string(text)};
}

}  // namespace mail::imap
