#include "common/milter/filter_engine.h"

#include <algorithm>

namespace mail::milter {

namespace {

constexpr uint32_t kVersion = 6, kOldest = 2;
constexpr size_t kLimit = 1 << 20;  // libmilter's
constexpr uint32_t kAddHeaders = 0x1, kAddRecipient = 0x4,
                   kDeleteRecipient = 0x8, kChangeHeaders = 0x10,
                   kSymbolList = 0x100;
constexpr uint32_t kSkip = 0x400;
constexpr uint32_t kEndOfHeader = 6;  // in a list of symbols

struct Silence {
  char event;
  uint32_t bit;
};
constexpr Silence kSilences[] = {{'C', 0x1000},  {'H', 0x2000},  {'M', 0x4000},
                                 {'R', 0x8000},  {'T', 0x10000}, {'U', 0x20000},
                                 {'N', 0x40000}, {'B', 0x80000}, {'L', 0x80}};

bool may_be_silent(char event, uint32_t protocol) {
  if (event == 'A' || event == 'Q' || event == 'K') return true;
  return std::any_of(std::begin(kSilences), std::end(kSilences),
                     [&](const Silence& s) {
                       return s.event == event && (protocol & s.bit) != 0;
                     });
}

std::string_view without_braces(std::string_view name) {
  if (name.size() > 2 && name.front() == '{' && name.back() == '}') {
    return name.substr(1, name.size() - 2);
  }
  return name;
}

/// Takes a text and its NUL off the front.
std::string_view take_text(std::string_view& rest) {
  size_t end = rest.find('\0');
  std::string_view text = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return text;
}

}  // namespace

void FilterEngine::receive(std::string_view bytes) {
  if (at_ > 0) {
    in_.erase(0, at_);
    at_ = 0;
  }
  in_ += bytes;
}

Result<std::optional<FilterEngine::Event>> FilterEngine::next() {
  while (true) {
    std::string_view rest = std::string_view(in_).substr(at_);
    if (rest.size() < 4) return std::optional<Event>();
    uint32_t length = *Fields(rest).number();
    if (length < 1) return fail(Fault::Protocol, "bad packet length");
    if (length > kLimit) {
      return fail(Fault::Protocol, "unreasonable packet length");
    }
    if (rest.size() - 4 < length) return std::optional<Event>();
    at_ += 4 + length;
    Event event{rest[4], rest.substr(5, length - 1)};
    if (event.code == 'O') {
      TRY(negotiate(event.data));
      continue;
    }
    if (version_ == 0) {
      return fail(Fault::Protocol, "a command before the negotiation");
    }
    if (event.code == 'D') {
      keep_macros(event.data);
      continue;
    }
    if (std::string_view("CHMRTLNBEUAQK").find(event.code) ==
        std::string_view::npos) {
      return fail(Fault::Protocol, "unknown command");
    }
    event_ = event.code;
    reply_.clear();
    if (event.code == 'K') version_ = 0;
    return std::optional<Event>(event);
  }
}

Result<> FilterEngine::negotiate(std::string_view data) {
  Fields fields(data);
  auto version = fields.number(), actions = fields.number(),
       protocol = fields.number();
  if (!protocol || *version < kOldest) {
    return fail(Fault::Protocol, "negotiation not understood");
  }
  offered_ = *actions;
  if ((offered_ & wishes_.actions) != wishes_.actions) {
    return fail(Fault::Protocol, "required milter action(s) not available");
  }
  version_ = std::min(*version, kVersion);
  actions_ = wishes_.actions;
  protocol_ = wishes_.protocol & *protocol;
  bool lists =
      (offered_ & kSymbolList) && !wishes_.end_of_header_macros.empty();
  std::string reply;
  append_number(reply, version_);
  append_number(reply, actions_ | (offered_ & kSymbolList));
  append_number(reply, protocol_);
  if (lists) {
    append_number(reply, kEndOfHeader);
    append_text(reply, wishes_.end_of_header_macros);
  }
  append_packet(out_, 'O', reply);
  return {};
}

void FilterEngine::keep_macros(std::string_view data) {
  if (data.empty()) return;
  size_t stage = kStages.find(data[0]);
  if (stage == std::string_view::npos) return;
  macros_[stage].assign(data.substr(1));
}

void FilterEngine::forget_message() {
  for (size_t stage = 2; stage < macros_.size(); ++stage) {
    macros_[stage].clear();
  }
}

std::optional<std::string> FilterEngine::macro(std::string_view name) const {
  name = without_braces(name);
  for (size_t stage = macros_.size(); stage-- > 0;) {
    for (std::string_view rest = macros_[stage]; !rest.empty();) {
      std::string_view key = take_text(rest), value = take_text(rest);
      if (without_braces(key) == name) return std::string(value);
    }
  }
  return std::nullopt;
}

void FilterEngine::answer(Answer answer) {
  char event = event_;
  event_ = 0;
  if (event == 'E' || event == 'A') forget_message();
  if (may_be_silent(event, protocol_) &&
      (answer == Answer::Continue || event == 'A' || event == 'Q' ||
       event == 'K')) {
    return;
  }
  switch (answer) {
    case Answer::Skip:
      return append_packet(out_, protocol_ & kSkip ? 's' : 'c', "");
    case Answer::Continue:
      return append_packet(out_, 'c', "");
    case Answer::Accept:
      return append_packet(out_, 'a', "");
    case Answer::Discard:
      return append_packet(out_, 'd', "");
    case Answer::Reject:
    case Answer::Tempfail: {
      bool reject = answer == Answer::Reject;
      if (reply_.starts_with(reject ? '5' : '4')) {
        reply_ += '\0';
        return append_packet(out_, 'y', reply_);
      }
      return append_packet(out_, reject ? 'r' : 't', "");
    }
  }
}

void FilterEngine::set_reply(std::string_view code, std::string_view status,
                             std::string_view text) {
  reply_.assign(code).append(" ").append(status).append(" ");
  for (char c : text) {
    reply_ += c;
    if (c == '%') reply_ += c;  // the MTA undoes it
  }
}

bool FilterEngine::edit(uint32_t action, char code, std::string_view data) {
  if (event_ != 'E' || (actions_ & action) == 0) return false;
  append_packet(out_, code, data);
  return true;
}

bool FilterEngine::insert_header(uint32_t index, std::string_view name,
                                 std::string_view value) {
  std::string data;
  append_number(data, index);
  append_text(data, name);
  append_text(data, value);
  return edit(kAddHeaders, 'i', data);
}

bool FilterEngine::add_header(std::string_view name, std::string_view value) {
  std::string data;
  append_text(data, name);
  append_text(data, value);
  return edit(kAddHeaders, 'h', data);
}

bool FilterEngine::change_header(uint32_t index, std::string_view name,
                                 std::string_view value) {
  std::string data;
  append_number(data, index);
  append_text(data, name);
  append_text(data, value);
  return edit(kChangeHeaders, 'm', data);
}

bool FilterEngine::add_recipient(std::string_view address) {
  std::string data;
  append_text(data, address);
  return edit(kAddRecipient, '+', data);
}

bool FilterEngine::delete_recipient(std::string_view address) {
  std::string data;
  append_text(data, address);
  return edit(kDeleteRecipient, '-', data);
}

void FilterEngine::progress() {
  if (event_ == 'E') append_packet(out_, 'p', "");
}

}  // namespace mail::milter
