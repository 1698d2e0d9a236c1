#include "common/smtp/client_engine.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "common/mime/address.h"

namespace mail::smtp {
namespace {

struct StageNames {
  std::string_view stage, command;
};
// In the order of Stage.
constexpr std::array<StageNames, 16> kStages = {{
    {"receiving the initial server greeting", "initial server greeting"},
    {"performing the EHLO handshake", "EHLO command"},
    {"performing the HELO handshake", "HELO command"},
    {"performing the LHLO handshake", "LHLO command"},
    {"receiving the STARTTLS response", "STARTTLS command"},
    {"performing SASL authentication", "AUTH command"},
    {"sending XFORWARD name/address", "XFORWARD name/address command"},
    {"sending XFORWARD protocol/helo_name", "XFORWARD helo/protocol command"},
    {"sending MAIL FROM", "MAIL FROM command"},
    {"sending RCPT TO", "RCPT TO command"},
    {"sending DATA command", "DATA command"},
    {"sending message body", "message body"},
    {"sending end of data -- message may be sent more than once",
     "end of DATA command"},
    {"sending final RSET", "final RSET command"},
    {"sending RSET probe", "RSET probe"},
    {"sending QUIT", "QUIT command"},
}};

}  // namespace

std::string_view stage_name(Stage stage) {
  return kStages[static_cast<size_t>(stage)].stage;
}
std::string_view command_name(Stage stage) {
  return kStages[static_cast<size_t>(stage)].command;
}

ClientEngine::ClientEngine(const Limits& limits)
    : limits_(limits), parser_(limits.reply), writer_(limits.line_length) {
  expected_.push_back({Stage::Greeting, 0});
}

void ClientEngine::resume(Capabilities capabilities) {
  expected_.clear();
  capabilities_ = std::move(capabilities);
}

void ClientEngine::receive(std::string_view bytes) {
  input_.erase(0, consumed_);
  consumed_ = 0;
  input_ += bytes;
}

std::optional<ClientReply> ClientEngine::next_reply() {
  if (expected_.empty()) return std::nullopt;
  consumed_ += parser_.feed(std::string_view(input_).substr(consumed_));
  if (!parser_.complete()) return std::nullopt;
  Expected asked = expected_.front();
  expected_.pop_front();
  ClientReply reply{asked.stage, asked.recipient, parser_.take()};
  learn(reply);
  return reply;
}

/// What a reply changes in what is to be expected.
void ClientEngine::learn(const ClientReply& reply) {
  bool good = reply.reply.code / 100 == 2;
  switch (reply.stage) {
    case Stage::Ehlo:
    case Stage::Lhlo:
      if (good) {
        capabilities_ = parse_capabilities(reply.reply.text, discard_);
      }
      break;
    case Stage::Helo:
      capabilities_ = {};
      if (good) {
        capabilities_.host = parse_capabilities(reply.reply.text).host;
      }
      break;
    case Stage::Rcpt:
      if (good) accepted_.push_back(reply.recipient);
      break;
    default:
      break;
  }
}

std::string_view ClientEngine::pending() const {
  return std::string_view(output_).substr(sent_);
}

void ClientEngine::sent(size_t n) {
  sent_ += n;
  if (sent_ < output_.size()) return;
  output_.clear();
  sent_ = 0;
}

void ClientEngine::request(Stage stage, std::string_view line,
                           size_t recipient) {
  output_ += line;
  output_ += "\r\n";
  expected_.push_back({stage, recipient});
  last_ = stage;
}

Stage ClientEngine::stage() const {
  return expected_.empty() ? last_ : expected_.front().stage;
}

void ClientEngine::ehlo(std::string_view name) {
  bool lmtp = limits_.protocol == Protocol::Lmtp;
  request(lmtp ? Stage::Lhlo : Stage::Ehlo,
          fmt::format("{} {}", lmtp ? "LHLO" : "EHLO", name));
}

void ClientEngine::helo(std::string_view name) {
  request(Stage::Helo, fmt::format("HELO {}", name));
}

void ClientEngine::start_tls() { request(Stage::StartTls, "STARTTLS"); }

void ClientEngine::tls_started() {
  input_.clear();
  consumed_ = 0;
  parser_ = ReplyParser(limits_.reply);
  capabilities_ = {};
}

void ClientEngine::auth(std::string_view mechanism,
                        std::optional<std::string_view> initial_base64) {
  std::string line = fmt::format("AUTH {}", mechanism);
  if (initial_base64) {
    line += ' ';
    line += initial_base64->empty() ? "=" : *initial_base64;
  }
  request(Stage::Auth, line);
}

void ClientEngine::auth_response(std::string_view base64) {
  request(Stage::Auth, base64);
}

void ClientEngine::xforward(Stage which, std::string_view attributes) {
  request(which, fmt::format("XFORWARD {}", attributes));
}

std::string ClientEngine::path(std::string_view address) const {
  return limits_.quote_envelope ? mime::quote_local(address)
                                : std::string(address);
}

void ClientEngine::mail(std::string_view address, const MailOptions& options) {
  std::string line = fmt::format("MAIL FROM:<{}>", path(address));
  if (options.size) line += fmt::format(" SIZE={}", *options.size);
  if (options.body == BodyType::EightBit) line += " BODY=8BITMIME";
  if (options.body == BodyType::SevenBit) line += " BODY=7BIT";
  if (!options.envid.empty()) {
    line += " ENVID=";
    line += options.envid;
  }
  if (options.ret == DsnReturn::Full) line += " RET=FULL";
  if (options.ret == DsnReturn::Headers) line += " RET=HDRS";
  if (options.smtputf8) line += " SMTPUTF8";
  if (options.auth_null) line += " AUTH=<>";
  rcpts_ = 0;
  accepted_.clear();
  request(Stage::Mail, line);
}

void ClientEngine::rcpt(std::string_view address, const RcptOptions& options) {
  std::string line = fmt::format("RCPT TO:<{}>", path(address));
  if (!options.orcpt.empty()) {
    line += " ORCPT=";
    line += options.orcpt;
  }
  constexpr std::array<std::pair<uint8_t, std::string_view>, 4> kNotify = {
      {{kNotifyNever, "NEVER"},
       {kNotifySuccess, "SUCCESS"},
       {kNotifyFailure, "FAILURE"},
       {kNotifyDelay, "DELAY"}}};
  std::string_view before = " NOTIFY=";
  for (const auto& [bit, name] : kNotify) {
    if ((options.notify & bit) == 0) continue;
    line += std::exchange(before, ",");
    line += name;
  }
  request(Stage::Rcpt, line, rcpts_++);
}

void ClientEngine::data() { request(Stage::Data, "DATA"); }

void ClientEngine::body_line(std::string_view text, bool complete) {
  last_ = Stage::Body;
  writer_.line(text, complete, output_);
}

void ClientEngine::body_text(std::string_view text) {
  last_ = Stage::Body;
  writer_.text(text, output_);
}

void ClientEngine::end_of_data() {
  writer_.finish(output_);
  writer_ = DotWriter(limits_.line_length);
  last_ = Stage::EndOfData;
  if (limits_.protocol == Protocol::Smtp) {
    expected_.push_back({Stage::EndOfData, 0});
    return;
  }
  for (size_t recipient : accepted_) {
    expected_.push_back({Stage::EndOfData, recipient});
  }
}

void ClientEngine::rset(bool final) {
  request(final ? Stage::Rset : Stage::RsetProbe, "RSET");
}

void ClientEngine::quit() { request(Stage::Quit, "QUIT"); }

}  // namespace mail::smtp
