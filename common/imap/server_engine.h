#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/imap/arg.h"

namespace mail::imap {

/// A whole command.
struct Command {
  std::string tag;
  std::string name;  ///< upper case; of UID commands "UID FETCH" and so on
  Args args;
};
/// A line that is no command. `tag` is "*" if there was none; `name` as above,
/// may be empty: "TAG BAD Error in IMAP command NAME: what".
struct BadCommand {
  enum class Where { Tag, Command, Arguments };
  std::string tag, name, what;
  Where where = Where::Arguments;
};
/// The conversation ends: "* BYE what".
struct Fatal {
  std::string what;
};
/// APPEND has come up to a message's literal. Answer with accept_message() or
/// refuse_message(). args: what stands in front of it: of the first message
/// the mailbox too.
struct AppendMessage {
  std::string tag;
  Args args;
  ArgReader::Literal literal;
  bool first = true;
};
/// Bytes of the message; a view into the input.
struct AppendBytes {
  std::string_view bytes;
  bool last = false;  ///< the literal is complete
};
/// The APPEND's line ended behind a message.
struct AppendEnd {};
/// After expect_line(): a whole line without its end.
struct Line {
  std::string text;
};
using Event = std::variant<Command, BadCommand, Fatal, AppendMessage,
                           AppendBytes, AppendEnd, Line>;

/// The server's side of an authenticated IMAP conversation (RFC 3501, 7888,
/// 3516, 3502): cuts the input into commands. Looks at the caller's input and
/// keeps no copy of it, so that an idle connection costs no buffer and an
/// APPEND's message none either.
///   Command --APPEND--> Message --bytes--> AfterMessage --> Message | Command
///   Command --expect_line()--> Line --> Command
/// The caller may be asked to hold a line and its literals: at most
/// 64 KiB each.
class ServerEngine {
 public:
  struct Limits {
    size_t line = 65536;  ///< imap_max_line_length
    bool literal_minus = false;
  };
  explicit ServerEngine(const Limits& limits) : limits_(limits) {}

  /// input: all that came and is not consumed. Afterwards consumed() bytes of
  /// it are to be dropped (views in the event stay valid until then).
  /// nullopt: more is needed.
  std::optional<Event> next(std::string_view input);
  size_t consumed() const { return consumed_; }

  /// "+ OK" lines that are due; taken by the call.
  std::string take_pending() { return std::move(pending_); }

  void accept_message();
  /// The message's bytes are dropped when the client sends them anyway, and
  /// the rest of the command with them.
  void refuse_message();
  void expect_line() { state_ = State::Line; }

 private:
  enum class State : uint8_t {
    Command,
    SkipLine,      // the rest of a bad line
    AwaitAnswer,   // AppendMessage was told
    Message,       // its bytes
    SkipMessage,   // its bytes, unwanted
    AfterMessage,  // the command goes on, or ends
    SkipAfter,     // the same of a refused one
    Line,
  };
  std::optional<Event> command(std::string_view input);
  std::optional<Event> read_args(std::string_view input, size_t at);
  std::optional<Event> message(std::string_view input);
  std::optional<Event> after_message(std::string_view input);
  std::optional<Event> line(std::string_view input);
  std::optional<Event> bad(BadCommand::Where where, std::string_view what,
                           std::string_view input, size_t at);
  bool has_line(std::string_view input);
  void acknowledge(const ArgReader& reader);

  Limits limits_;
  State state_ = State::Command;
  size_t consumed_ = 0;
  size_t need_ = 0;          // no use to look before input has so much
  size_t scanned_ = 0;       // input without LF
  size_t acknowledged_ = 0;  // sync literals of this command
  std::string pending_;
  std::string tag_, name_;
  uint64_t message_left_ = 0;
  ArgReader::Literal literal_;
};

/// True for what may stand in front of a command.
bool is_tag(std::string_view text);

}  // namespace mail::imap
