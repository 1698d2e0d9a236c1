#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "common/smtp/body_reader.h"
#include "common/smtp/command.h"
#include "common/smtp/reply.h"

namespace mail::smtp {

struct ServerLimits {
  Protocol protocol = Protocol::Smtp;
  size_t line_length = 2048;     ///< line_length_limit
  size_t sasl_response = 12288;  ///< smtpd_sasl_response_limit
  BareNewline bare_newline = BareNewline::Allow;
  int bare_newline_code = 550;  ///< smtpd_forbid_bare_newline_reject_code
  std::string host;             ///< myhostname, in a few replies
  bool helo_required = false;   ///< smtpd_helo_required
  CommandOptions commands;
};

/// What asks for an answer() says so.
/// A command that breaks syntax or sequence. Asks: answer `reply`, unless the
/// driver knows better.
struct Refused {
  Verb verb = Verb::Unknown;
  Reply reply;
};
/// The client's line after a 334, base64 as sent. Asks.
struct AuthResponse {
  std::string text;       ///< "*" aborts
  bool too_long = false;  ///< was cut at the limit
};
/// Content. Valid until the next call. Does not ask.
struct BodyLines {
  std::span<const BodyLine> lines;
};
/// A BDAT chunk that was not the last is over. Asks.
struct ChunkEnd {
  int64_t size = 0;
};
/// The content is whole. Asks; LMTP: one answer for each accepted recipient.
struct BodyEnd {
  std::optional<int64_t> last_chunk;  ///< its size, if it came by BDAT
  bool bare_newline = false;          ///< seen, in mode Reject
};

/// A Command asks. To Data, and to the first Bdat of a message, the answer is
/// 354 to go on (nothing is sent for Bdat), else the refusal; the data of a
/// refused chunk is read and dropped first. Later Bdats do not appear as
/// events, only their lines and ends. StartTls 220: see tls_started(). Auth:
/// 334 continues with AuthResponse.
using ServerEvent =
    std::variant<Command, Refused, AuthResponse, BodyLines, ChunkEnd, BodyEnd>;

/// The server's side of one SMTP or LMTP conversation (RFC 5321, 2033, 1870,
/// 2920, 3030, 3207, 4954).
///   Command --DATA 354--> Body --"."--> BodyEnd --answers--> Command
///   Command --BDAT 354--> Chunk --size--> ChunkEnd --250--> Command --BDAT..
///   Command --AUTH 334--> Sasl --235/5xx--> Command
///   Command --STARTTLS 220--> Tls --tls_started()--> Command
/// Parses lazily: nothing behind a command is looked at before its answer.
/// Owns its buffers: at most one line plus 64 KiB.
///
/// A driver: send greet(); then, for ever: while next_event() gives one,
/// answer it; when it gives none, send pending(), all answers in one write,
/// wait for input and receive() it.
class ServerEngine {
 public:
  static constexpr size_t kInputLimit = 65536;

  explicit ServerEngine(const ServerLimits& limits);

  /// Copies from the front of `bytes` what there is room for (at least
  /// something after next_event() gave nullopt); returns how much.
  size_t receive(std::string_view bytes);
  /// nullopt: needs bytes, an answer, or tls_started().
  std::optional<ServerEvent> next_event();
  /// The answer to the last event that asked. One that hangs up, and the 221
  /// of QUIT, closes the engine.
  void answer(const Reply& reply);
  /// The greeting, or any reply outside the dialogue (timeouts).
  void say(const Reply& reply);
  std::string_view pending() const;
  void sent(size_t n);
  /// Nothing will be read any more; close when pending() is sent.
  bool closed() const { return closed_; }

  /// After the handshake that followed "220 Ready to start TLS".
  void tls_started();
  /// Plaintext came after STARTTLS and was dropped.
  bool discarded_plaintext() const { return discarded_plaintext_; }
  /// After a successful XCLIENT: forget HELO and the transaction.
  void reset_session();

  /// While set, commands but HELO EHLO XCLIENT STARTTLS NOOP QUIT are refused
  /// with 530.
  void set_tls_required(bool required) { tls_required_ = required; }
  void set_options(const CommandOptions& options) {
    limits_.commands = options;
  }
  void set_bare_newline(BareNewline mode) { limits_.bare_newline = mode; }

  bool esmtp() const { return esmtp_; }
  bool said_helo() const { return said_helo_; }
  bool in_transaction() const { return in_mail_; }
  size_t recipients() const { return recipients_; }
  /// Commands so far waited in the buffer that the client should not have
  /// sent yet (RFC 2920, 3.1).
  bool improper_pipelining() const { return improper_pipelining_; }
  /// Input not yet looked at, for the log.
  std::string_view unread() const;
  /// The last command line, cut; and its verb (CMD of log lines).
  const std::string& line() const { return line_; }
  Verb verb() const { return verb_; }
  /// Content bytes of the message or chunk so far ("lost connection after
  /// DATA (N bytes)").
  int64_t body_bytes() const { return body_bytes_; }

 private:
  struct Commands {};
  struct Sasl {};
  struct Tls {};
  struct Body {
    BodyReader reader;
  };
  struct Chunk {
    int64_t size;
    size_t left;  // bytes not yet read, with the tail of the chunk before
    bool last;
    bool refused;  // the data is dropped
  };
  using State = std::variant<Commands, Sasl, Tls, Body, Chunk>;
  enum class Asked : uint8_t { None, Refused, Answer, Sasl, ChunkEnd, BodyEnd };

  bool take_line(size_t limit);
  std::optional<ServerEvent> next_command();
  std::optional<ServerEvent> next_sasl();
  std::optional<ServerEvent> next_body(Body& body);
  std::optional<ServerEvent> next_chunk(Chunk& chunk);
  std::optional<ServerEvent> drop_chunk(Chunk& chunk);
  std::optional<Reply> too_early(Verb verb) const;
  std::optional<Reply> out_of_sequence(Verb verb) const;
  std::optional<Reply> chunk_refusal(const Bdat& bdat) const;
  ServerEvent refuse(Reply reply);
  ServerEvent start_command(Command command);
  std::optional<ServerEvent> start_bdat(const Bdat& bdat);
  ServerEvent end_of_body(std::optional<int64_t> last_chunk, bool bare);
  void accept(const Reply& reply);
  void accept_positive();
  void note_pipelining();
  void drop_chunks();
  void end_transaction();

  ServerLimits limits_;
  State state_ = Commands{};
  Asked asked_ = Asked::None;
  size_t answers_left_ = 0;  // to BodyEnd
  std::string input_;
  size_t consumed_ = 0;
  std::string output_;
  size_t sent_ = 0;
  std::string line_;
  bool line_bare_ = false;  // line_ ended in a bare LF
  bool line_cut_ = false;
  bool mid_line_ = false;  // line_ is what has come of a line so far
  Verb verb_ = Verb::Unknown;
  std::optional<Reply> chunk_reply_;  // said when the dropped chunk is over
  std::optional<BodyReader> chunks_;  // from the first chunk to the last
  std::string chunk_tail_;            // an unfinished line between chunks
  bool chunks_failed_ = false;
  bool esmtp_ = false, said_helo_ = false, in_mail_ = false;
  bool tls_required_ = false, improper_pipelining_ = false;
  bool discarded_plaintext_ = false, closed_ = false;
  size_t recipients_ = 0;
  int64_t body_bytes_ = 0;
};

}  // namespace mail::smtp
