#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mail::pop3d {

/// The messages of a session, as they were when it began; numbers from 1.
class Maildrop {
 public:
  virtual ~Maildrop() = default;
  virtual uint32_t count() const = 0;
  /// Octets with CRLF line ends.
  virtual uint64_t size(uint32_t message) const = 0;
  virtual std::string uidl(uint32_t message) = 0;
};

struct Limits {
  bool enable_last = false;    ///< pop3_enable_last
  bool no_nuls = false;        ///< outlook-no-nuls
  bool end_of_header = false;  ///< oe-ns-eoh
  size_t line = 8192;
};

/// RETR, TOP. Asks: begin_content(), content(), end_content(); or gone().
struct Retrieve {
  uint32_t message = 0;
  std::optional<uint64_t> lines;  ///< TOP: of the body; nullopt: all
};
/// QUIT: bring deletions to the mailbox. Asks: quit_done().
struct Update {};
/// RSET: \Seen and \Deleted of this session are forgotten; answered.
struct Reset {};
/// Send pending() and close. `reason` is for the log.
struct Closed {
  std::string reason;
};
using Event = std::variant<Retrieve, Update, Reset, Closed>;

/// What pop3_logout_format speaks of. Bytes are those sent: the reply and the
/// content, without the final dot.
struct Counters {
  uint64_t top_count = 0, top_bytes = 0, retr_count = 0, retr_bytes = 0;
  uint64_t deleted_count = 0, deleted_bytes = 0;  ///< after QUIT
  uint64_t input = 0, output = 0;
};

/// The server's side of POP3 in transaction state (RFC 1939, 2449), with
/// Dovecot's replies.
///   Command --Retrieve--> Content --end_content()--> Command
///   Command --Update--> Asked --quit_done()--> Closed
/// Owns its buffers: one line of input; output until it is sent.
class Engine {
 public:
  Engine(const Limits& limits, Maildrop& drop);

  /// Copies from the front of `bytes` what there is room for; how much.
  size_t receive(std::string_view bytes);
  std::optional<Event> next_event();

  /// "+OK Logged in."
  void greet() { say("+OK Logged in."); }
  /// Size for RETR's reply; a message whose size is not known ends the
  /// session.
  void begin_content();
  /// Any split, LF or CRLF line ends; false: TOP has enough.
  bool content(std::string_view bytes);
  void end_content();
  /// The message was expunged by somebody else; for the second time that ends
  /// the session.
  void gone();
  /// `problem`: "[SYS/TEMP] Can't ..." when the mailbox could not be updated.
  void quit_done(bool updated, std::string_view problem);
  void say_bye(std::string_view reason);

  std::string_view pending() const { return output_; }
  void sent(size_t n);

  bool is_deleted(uint32_t message) const { return deleted_[message - 1]; }
  uint32_t deleted_count() const { return deleted_count_; }
  const Counters& counters() const { return counters_; }

 private:
  enum class State : uint8_t { Command, Content, Asked, Closed };
  enum class Step : uint8_t { Start, Line, CarriageReturn };

  void say(std::string_view line) {
    output_ += line;
    output_ += "\r\n";
  }
  std::optional<Event> next_command();
  std::optional<Event> run(std::string_view name, std::string_view argument);
  std::optional<Event> error(std::string_view text);
  std::optional<Event> after_reply(std::optional<Event> event);
  std::optional<uint32_t> message_number(std::string_view& argument);
  bool nothing_behind(std::string_view rest);
  std::optional<Event> list(std::string_view argument, bool uidl);
  std::optional<Event> retrieve(std::string_view argument);
  std::optional<Event> top(std::string_view argument);
  void remove(std::string_view argument);
  void reset();
  void stat();
  void list_capabilities();

  Limits limits_;
  Maildrop& drop_;
  State state_ = State::Command;
  std::string input_, output_;
  size_t consumed_ = 0;
  std::vector<bool> deleted_;
  uint32_t deleted_count_ = 0;
  uint64_t total_size_ = 0, deleted_size_ = 0;
  uint32_t last_ = 0;  // the highest retrieved (LAST)
  unsigned bad_commands_ = 0;
  bool failed_ = false;  // the command at hand said -ERR
  uint32_t gone_message_ = 0;
  Counters counters_;

  // Content.
  Retrieve current_;
  Step step_ = Step::Start;
  bool in_header_ = true, line_empty_ = true, enough_ = false;
  uint64_t lines_left_ = 0;
  size_t content_begin_ = 0;  // output counted from here
  uint64_t content_bytes_ = 0;
};

}  // namespace mail::pop3d
