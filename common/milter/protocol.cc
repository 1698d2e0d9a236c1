#include "common/milter/protocol.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::milter {

namespace {

struct EventFacts {
  Event event;
  std::string_view name;
  Stage stage;
  uint32_t skip;      // the filter does not want it
  uint32_t no_reply;  // the filter will not answer it
  uint32_t since;     // protocol version
};

constexpr EventFacts kEvents[] = {
    {Event::Connect, "SMFIC_CONNECT", Stage::Connect, 0x1, 0x1000, 1},
    {Event::Helo, "SMFIC_HELO", Stage::Helo, 0x2, 0x2000, 1},
    {Event::Mail, "SMFIC_MAIL", Stage::Mail, 0x4, 0x4000, 1},
    {Event::Rcpt, "SMFIC_RCPT", Stage::Rcpt, 0x8, 0x8000, 1},
    {Event::Body, "SMFIC_BODY", Stage::EndOfMessage, 0x10, 0x80000, 1},
    {Event::Header, "SMFIC_HEADER", Stage::EndOfHeader, 0x20, 0x80, 1},
    {Event::EndOfHeader, "SMFIC_EOH", Stage::EndOfHeader, 0x40, 0x40000, 1},
    {Event::Unknown, "SMFIC_UNKNOWN", Stage::Unknown, 0x100, 0x20000, 3},
    {Event::Data, "SMFIC_DATA", Stage::Data, 0x200, 0x10000, 4},
    {Event::EndOfMessage, "SMFIC_BODYEOB", Stage::EndOfMessage, 0, 0, 1},
};

const EventFacts& facts(Event event) {
  for (const auto& f : kEvents) {
    if (f.event == event) return f;
  }
  return kEvents[0];
}

}  // namespace

std::string_view event_name(Event event) { return facts(event).name; }
Stage stage_of(Event event) { return facts(event).stage; }

bool Agreement::knows(Event event) const {
  return version >= facts(event).since;
}
bool Agreement::wants(Event event) const {
  return knows(event) && !(protocol & facts(event).skip);
}
bool Agreement::answers(Event event) const {
  return !(protocol & facts(event).no_reply);
}

std::vector<std::string> parse_macro_names(std::string_view list) {
  std::vector<std::string> out;
  for (std::string_view name : split(list)) {
    if (name.size() > 2 && name.front() == '{' && name.back() == '}') {
      name = name.substr(1, name.size() - 2);
    }
    out.emplace_back(name);
  }
  return out;
}

Result<Offer> parse_offer(std::string_view text) {
  Offer offer;
  bool no_header_reply = false;
  bool have_version = false;
  for (std::string_view word : split(text)) {
    have_version = true;
    if (word == "2") {
      offer = {2, 0x1FF, 0x7F};
    } else if (word == "3") {
      offer = {3, 0x1FF, 0x17F};
    } else if (word == "4") {
      offer = {4, 0x1FF, 0x37F};
    } else if (word == "6") {
      offer = {6, 0x1FF, 0x1FFFFF};
    } else if (word == "no_header_reply") {
      no_header_reply = true;
    } else {
      return fail(Fault::Config,
                  fmt::format("bad protocol information: {}", text));
    }
  }
  if (!have_version || offer.protocol == 0) {
    return fail(Fault::Config,
                fmt::format("bad protocol information: {}", text));
  }
  if (no_header_reply) offer.protocol |= 0x80;
  return offer;
}

void append_offer(std::string& out, const Offer& offer) {
  std::string data;
  append_number(data, offer.version);
  append_number(data, offer.actions);
  append_number(data, offer.protocol);
  append_packet(out, 'O', data);
}

Result<Agreement> agree(const Offer& offer, const Packet& packet,
                        MacroLists& macros) {
  if (packet.code != 'O') {
    return fail(Fault::Protocol,
                fmt::format("unexpected reply \"{}\" in initial handshake",
                            packet.code));
  }
  Fields fields(packet.data);
  auto version = fields.number();
  auto actions = fields.number();
  auto protocol = fields.number();
  if (!version || !actions || !protocol) {
    return fail(Fault::Protocol, "read error in initial handshake");
  }
  if (*version > offer.version) {
    return fail(Fault::Protocol,
                fmt::format("protocol version {} conflict with MTA protocol "
                            "version {}",
                            *version, offer.version));
  }
  if ((*actions & offer.actions) != *actions) {
    return fail(Fault::Protocol,
                fmt::format("request mask 0x{:x} conflict with MTA request "
                            "mask 0x{:x}",
                            *actions, offer.actions));
  }
  // The filter's own numbers of stages: end of message is before header.
  static constexpr Stage kNumbered[] = {
      Stage::Connect, Stage::Helo,         Stage::Mail,       Stage::Rcpt,
      Stage::Data,    Stage::EndOfMessage, Stage::EndOfHeader};
  while (auto stage = fields.number()) {
    auto list = fields.text();
    if (!list) break;
    if (*stage >= std::size(kNumbered)) continue;
    macros[static_cast<size_t>(kNumbered[*stage])] = parse_macro_names(*list);
  }
  return Agreement{*version, *actions, *protocol & offer.protocol};
}

void append_macros(
    std::string& out, Event event,
    const std::vector<std::pair<std::string, std::string>>& values) {
  std::string data(1, static_cast<char>(event));
  for (const auto& [name, value] : values) {
    append_text(data, name.size() > 1 ? "{" + name + "}" : name);
    append_text(data, value);
  }
  append_packet(out, 'D', data);
}

namespace {

constexpr std::pair<char, std::string_view> kReplyNames[] = {
    {'+', "SMFIR_ADDRCPT"},    {'2', "SMFIR_ADDRCPT_PAR"},
    {'-', "SMFIR_DELRCPT"},    {'a', "SMFIR_ACCEPT"},
    {'b', "SMFIR_REPLBODY"},   {'c', "SMFIR_CONTINUE"},
    {'d', "SMFIR_DISCARD"},    {'e', "SMFIR_CHGFROM"},
    {'h', "SMFIR_ADDHEADER"},  {'i', "SMFIR_INSHEADER"},
    {'m', "SMFIR_CHGHEADER"},  {'p', "SMFIR_PROGRESS"},
    {'q', "SMFIR_QUARANTINE"}, {'r', "SMFIR_REJECT"},
    {'s', "SMFIR_SKIP"},       {'t', "SMFIR_TEMPFAIL"},
    {'y', "SMFIR_REPLYCODE"},  {'4', "SMFIR_SHUTDOWN"}};

std::string reply_name(char code) {
  for (auto [known, name] : kReplyNames) {
    if (known == code) return std::string(name);
  }
  return "(unknown filter reply)";
}

Failure unexpected(const Packet& packet, Event event) {
  return fail(Fault::Protocol,
              fmt::format("unexpected filter response {} after event {}",
                          reply_name(packet.code), event_name(event)));
}

/// "550 5.7.1 text", the enhanced code optional but of the same class.
bool well_formed(std::string_view text) {
  if (text.size() < 3 || (text[0] != '4' && text[0] != '5')) return false;
  if (!is_digit(text[1]) || !is_digit(text[2])) return false;
  if (text.size() > 3 && text[3] != ' ' && text[3] != '-') return false;
  if (text.size() > 5 && is_digit(text[4]) && text[5] == '.') {
    return text[4] == text[0];
  }
  return true;
}

Result<Reply> text_reply(std::string_view data) {
  std::string_view raw = data.substr(0, data.find('\0'));
  Reply reply;
  reply.kind = Reply::Kind::Text;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '%') {
      // A per cent sign is doubled on the wire; a single one is dropped.
      if (i + 1 < raw.size() && raw[i + 1] == '%')
        ++i;
      else
        continue;
    }
    reply.text += raw[i];
  }
  if (!well_formed(reply.text)) {
    return fail(Fault::Config, fmt::format("malformed reply: {}", raw));
  }
  return reply;
}

Result<Reply> edit_reply(const Packet& packet, Event event) {
  if (event != Event::EndOfMessage) return unexpected(packet, event);
  Reply reply;
  reply.kind = Reply::Kind::Edit;
  Edit& edit = reply.edit;
  Fields fields(packet.data);
  if (packet.code == 'b') {
    edit.kind = Edit::Kind::ReplaceBody;
    edit.value = packet.data;
    return reply;
  }
  bool indexed = packet.code == 'i' || packet.code == 'm';
  if (indexed) {
    auto index = fields.number();
    if (!index) return fail(Fault::Protocol, "malformed packet");
    edit.index = *index;
  }
  auto name = fields.text();
  if (!name) return fail(Fault::Protocol, "malformed packet");
  edit.name = std::move(*name);
  if (auto value = fields.text()) edit.value = std::move(*value);
  switch (packet.code) {
    case 'h':
      edit.kind = Edit::Kind::AddHeader;
      break;
    case 'i':
      edit.kind = Edit::Kind::InsertHeader;
      break;
    case 'm':
      edit.kind = Edit::Kind::ChangeHeader;
      break;
    case '-':
      edit.kind = Edit::Kind::DeleteRecipient;
      break;
    case 'e':
      edit.kind = Edit::Kind::ChangeSender;
      break;
    case 'q':
      edit.kind = Edit::Kind::Quarantine;
      break;
    default:
      edit.kind = Edit::Kind::AddRecipient;
      break;
  }
  if ((packet.code == 'h' || indexed) && edit.name.empty()) {
    return fail(Fault::Config, packet.code == 'm' ? "null change header name"
                                                  : "null header name");
  }
  if (packet.code == 'i' && edit.index > 0x7FFFFFFF) {
    return fail(Fault::Config, "bad insert header index");
  }
  return reply;
}

}  // namespace

Result<Reply> parse_reply(const Packet& packet, Event event) {
  Reply reply;
  switch (packet.code) {
    case 'y':
      return text_reply(packet.data);
    case 'h':
    case 'i':
    case 'm':
    case '+':
    case '2':
    case '-':
    case 'e':
    case 'b':
    case 'q':
      return edit_reply(packet, event);
    case 'c':
      reply.kind = Reply::Kind::Continue;
      break;
    case 'a':
      reply.kind = Reply::Kind::Accept;
      break;
    case 'r':
      reply.kind = Reply::Kind::Reject;
      break;
    case 't':
      reply.kind = Reply::Kind::Tempfail;
      break;
    case 'd':
      reply.kind = Reply::Kind::Discard;
      break;
    case 's':
      reply.kind = Reply::Kind::Skip;
      break;
    case 'p':
      reply.kind = Reply::Kind::Progress;
      break;
    case '4':
      reply.kind = Reply::Kind::Shutdown;
      break;
    default:
      return unexpected(packet, event);
  }
  if (!packet.data.empty()) {
    return fail(Fault::Protocol,
                fmt::format("reply {} was followed by {} data bytes",
                            reply_name(packet.code), packet.data.size()));
  }
  return reply;
}

}  // namespace mail::milter
