#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/milter/protocol.h"
#include "common/net/stream.h"

namespace mail::filters {

/// How one filter is reached and what counts when it fails (smtpd_milters,
/// non_smtpd_milters and what stands in braces there).
struct Config {
  std::string name;  ///< as configured: "inet:localhost:8891"
  Duration connect_timeout = std::chrono::seconds(30);
  Duration command_timeout = std::chrono::seconds(30);
  Duration content_timeout = std::chrono::seconds(300);
  std::string default_action = "tempfail";
  std::string protocol = "6";
};

/// Reads a parameter's value; each word, or { word, name = value ... }, is a
/// filter. Those given in braces take the rest from `defaults`.
/// Errors: Config, in Postfix's words.
Result<std::vector<Config>> parse_configs(std::string_view value,
                                          const Config& defaults);

/// milter_macro_defaults: "name=value, {name} = ..., { name = value }".
/// Errors: Config.
Result<std::vector<std::pair<std::string, std::string>>> parse_macro_defaults(
    std::string_view value);

/// What becomes of the command, or of the message.
struct Verdict {
  enum class Kind {
    Continue,
    Reject,    ///< `reply` to the client: "550 5.7.1 Command rejected"
    Discard,   ///< say yes, and drop the message
    Hold,      ///< quarantine
    Shutdown,  ///< reply, then hang up
  };
  Kind kind = Kind::Continue;
  std::string reply;
  bool goes_on() const { return kind == Kind::Continue; }
};

/// The value of a macro at this moment; nullopt: it has none.
using MacroSource =
    std::function<std::optional<std::string>(std::string_view name)>;

/// Connects to a filter's endpoint text ("inet:host:port", "unix:path").
/// common/filters/connect.h has the usual one.
using Connector = std::function<net::Task<Result<UniqueFd>>(
    std::string endpoint, net::Deadline deadline)>;

/// What a filter reads of a message, and what it changes. The caller's part;
/// synchronous, for the message lies in a local file.
class Message {
 public:
  struct Header {
    std::string name;
    std::string value;  ///< all after the colon; folds are LF and white space
  };
  virtual ~Message() = default;
  /// From the first header again.
  virtual Result<> rewind() = 0;
  /// nullopt: the header block ends.
  virtual Result<std::optional<Header>> next_header() = 0;
  /// Up to `limit` bytes of body, lines ended by CR LF; empty: it ends.
  virtual Result<std::string> next_body(size_t limit) = 0;
  /// An edit. Errors: the message cannot be stored ("451 4.3.0 ...").
  virtual Result<> apply(const milter::Edit& edit) = 0;
};

/// The connection to one filter, for one SMTP session (or one message).
class Filter {
 public:
  Filter(Config config, milter::MacroLists macros, Connector connector);

  /// state: what a later process needs to go on with this connection.
  struct Suspended {
    Config config;
    milter::Agreement agreement;
    milter::MacroLists macros;
    bool accepted_message = false;
    UniqueFd fd;  ///< none: the filter is done with, or has failed
    Verdict standing;
  };
  Suspended suspend();
  explicit Filter(Suspended suspended);

  // For handing a connection to another process while we keep it as well.
  /// Sends what has waited for the next event that is answered: the other
  /// process cannot. A connection that is broken will tell that process.
  net::Task<> send_pending();
  const Config& config() const { return config_; }
  const milter::Agreement& agreement() const { return agreement_; }
  const milter::MacroLists& macros() const { return macros_; }
  bool live() const { return static_cast<bool>(stream_); }
  bool accepted_message() const { return state_ == State::AcceptedMessage; }
  int fd() const { return stream_.fd(); }

  const std::string& name() const { return config_.name; }

  net::Task<Verdict> connect(std::string_view data, const MacroSource& macros);
  /// data: the event's packet data. Unknown events are skipped when the
  /// filter does not want them.
  net::Task<Verdict> event(milter::Event event, std::string_view data,
                           const MacroSource& macros);
  /// Headers, body, end of message, and its edits.
  net::Task<Verdict> message(Message& message, const MacroSource& macros);
  /// The transaction is over or was given up.
  net::Task<> abort();
  net::Task<> quit();
  bool wants_rejected_recipients() const;
  /// Header values travel with all that follows the colon.
  bool leading_space() const { return agreement_.leading_space(); }

 private:
  enum class State { New, Active, AcceptedMessage, Done };
  struct Step {
    bool skip = false;  ///< no more of this kind of event
    Verdict verdict;
    bool over = false;  ///< the filter has said its last of this message
  };
  net::Task<Result<>> negotiate();
  void queue_event(milter::Event event, std::string_view data,
                   const MacroSource& macros);
  net::Task<Result<milter::Reply>> next_reply(milter::Event event,
                                              Duration timeout);
  net::Task<Step> exchange(milter::Event event, std::string_view data,
                           const MacroSource& macros, Message* message);
  net::Task<Step> send_headers(Message& message, const MacroSource& macros);
  net::Task<Step> send_body(Message& message, const MacroSource& macros);
  Step decide(milter::Event event, const milter::Reply& reply);
  Step failed(const Error& error, milter::Event event);
  Verdict default_verdict(bool config_error) const;
  Duration timeout_of(milter::Event event) const;
  bool connection_event(milter::Event event) const {
    return event == milter::Event::Connect || event == milter::Event::Helo;
  }

  Config config_;
  milter::MacroLists macros_;
  Connector connector_;
  milter::Agreement agreement_;
  net::Stream stream_;
  State state_ = State::New;
  Verdict standing_;  ///< answers every later command once not Continue
  std::optional<milter::Event> skipping_;  ///< no more of these, it said
};

}  // namespace mail::filters
