#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/smtp/capabilities.h"
#include "common/smtp/command.h"
#include "common/smtp/dot_writer.h"
#include "common/smtp/reply.h"

namespace mail::smtp {

/// What the client has asked and awaits a reply to; also what a lost
/// connection interrupted.
enum class Stage : uint8_t {
  Greeting,
  Ehlo,
  Helo,
  Lhlo,
  StartTls,
  Auth,
  XforwardName,
  XforwardHelo,
  Mail,
  Rcpt,
  Data,
  Body,
  EndOfData,
  Rset,
  RsetProbe,
  Quit,
};
/// "sending MAIL FROM", for "lost connection with X while ...".
std::string_view stage_name(Stage stage);
/// "MAIL FROM command", for "(in reply to ...)".
std::string_view command_name(Stage stage);

/// The reply to one request, in order of the requests.
struct ClientReply {
  Stage stage = Stage::Greeting;
  /// Rcpt, and EndOfData of LMTP: which recipient, from 0 in the order sent.
  size_t recipient = 0;
  ReceivedReply reply;
};

struct MailOptions {
  std::optional<int64_t> size;
  BodyType body = BodyType::Unset;
  std::string envid;  ///< xtext
  DsnReturn ret = DsnReturn::Unset;
  bool smtputf8 = false;
  bool auth_null = false;  ///< AUTH=<>
};
struct RcptOptions {
  std::string orcpt;   ///< "rfc822;xtext"
  uint8_t notify = 0;  ///< DsnNotify bits
};

/// The client's side of one SMTP or LMTP conversation. The driver decides
/// what is said; the engine writes it, reads the replies and knows which
/// belongs to what. Each call appends to pending(); with PIPELINING several
/// may be called before next_reply(). Never touches a socket.
///
/// The data phase: after data() and its 354: body lines, then end_of_data().
/// LMTP: then one reply for each recipient whose RCPT was accepted.
class ClientEngine {
 public:
  struct Limits {
    Protocol protocol = Protocol::Smtp;
    size_t line_length = 998;  ///< smtp_line_length_limit
    ReplyLimits reply;
    bool quote_envelope = true;  ///< smtp_quote_rfc821_envelope
  };
  explicit ClientEngine(const Limits& limits);

  /// Goes on with a conversation that another engine has led up to here:
  /// between transactions, no reply awaited.
  void resume(Capabilities capabilities);

  void receive(std::string_view bytes);
  /// The next whole reply; nullopt: needs bytes, or nothing was asked.
  std::optional<ClientReply> next_reply();
  std::string_view pending() const;
  void sent(size_t n);

  /// EHLO or LHLO by protocol; its reply sets capabilities().
  void ehlo(std::string_view name);
  void helo(std::string_view name);
  void start_tls();
  /// After the handshake: forgets capabilities and buffered replies.
  void tls_started();
  void auth(std::string_view mechanism,
            std::optional<std::string_view> initial_base64);
  void auth_response(std::string_view base64);
  /// attributes: "NAME=x ADDR=y", already xtext. which: XforwardName or
  /// XforwardHelo.
  void xforward(Stage which, std::string_view attributes);
  /// address: internal form.
  void mail(std::string_view address, const MailOptions& options);
  void rcpt(std::string_view address, const RcptOptions& options);
  void data();
  void body_line(std::string_view text, bool complete);
  /// Whole text with LF line ends.
  void body_text(std::string_view text);
  void end_of_data();
  /// final: after a delivery; else a probe of a cached connection.
  void rset(bool final);
  void quit();

  /// Forgets capabilities to be discarded from now on.
  void set_discard(uint32_t capability_bits) { discard_ = capability_bits; }
  const Capabilities& capabilities() const { return capabilities_; }
  /// What is being waited for: of the oldest request without a reply, or the
  /// last thing written.
  Stage stage() const;
  size_t outstanding() const { return expected_.size(); }
  /// Bytes came that nothing asked for.
  bool unsolicited() const {
    return expected_.empty() && consumed_ < input_.size();
  }

 private:
  struct Expected {
    Stage stage;
    size_t recipient;
  };
  void request(Stage stage, std::string_view line, size_t recipient = 0);
  std::string path(std::string_view address) const;
  void learn(const ClientReply& reply);

  Limits limits_;
  std::string input_;
  size_t consumed_ = 0;
  std::string output_;
  size_t sent_ = 0;
  ReplyParser parser_;
  std::deque<Expected> expected_;
  Capabilities capabilities_;
  uint32_t discard_ = 0;
  DotWriter writer_;
  size_t rcpts_ = 0;
  std::vector<size_t> accepted_;
  Stage last_ = Stage::Greeting;
};

}  // namespace mail::smtp
