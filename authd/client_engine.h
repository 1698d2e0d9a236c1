#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/ipc/dovecot_auth.h"

namespace mail::authd {

/// Splits bytes into lines of at most `limit` bytes, LF included.
class LineReader {
 public:
  explicit LineReader(size_t limit) : limit_(limit) {}
  void receive(std::string_view bytes) { buffer_ += bytes; }
  /// Without its LF, a copy; nullopt: not yet whole.
  std::optional<std::string> next();
  /// A line that cannot become whole.
  bool too_long() const {
    return buffer_.size() - begin_ >= limit_ &&
           buffer_.find('\n', begin_) == std::string::npos;
  }

 private:
  size_t limit_, begin_ = 0;
  std::string buffer_;
};

/// The server's side of the authentication client protocol 1.2: what a client
/// wants, line by line. No descriptors, no log.
///   Version --VERSION--> Pid --CPID--> Ready --AUTH, CONT, CANCEL--> Ready
class ClientEngine {
 public:
  struct Connected {
    unsigned pid = 0;
  };
  struct Start {
    ipc::AuthStart auth;
  };
  struct Continue {
    unsigned id = 0;
    std::string response;  ///< base64
  };
  struct Cancel {
    unsigned id = 0;
  };
  /// The client does not keep to the protocol: log this and close.
  struct Broken {
    std::string why;
  };
  using Event = std::variant<Connected, Start, Continue, Cancel, Broken>;

  struct Facts {
    unsigned pid = 0, connection = 0;
    std::string cookie;  ///< 32 hex digits
    std::vector<ipc::AuthMechanism> mechanisms;
    /// A socket of login processes: their pid counts.
    bool login = false;
  };
  explicit ClientEngine(const Facts& facts)
      : login_(facts.login), lines_(ipc::kAuthClientLine) {
    greeting_ = make_greeting(facts);
  }

  const std::string& greeting() const { return greeting_; }
  void receive(std::string_view bytes) { lines_.receive(bytes); }
  /// nullopt: needs bytes. After Broken nothing more comes.
  std::optional<Event> next_event();
  /// For auth_debug: the line of the last event, secrets hidden.
  std::string shown_line(bool with_secrets) const;

 private:
  static std::string make_greeting(const Facts& facts);
  Event take(std::string_view line);
  Event take_handshake(std::string_view line);
  Event broken(std::string why);

  enum class State { Version, Pid, Ready, Broken } state_ = State::Version;
  bool login_;
  unsigned minor_ = 0, pid_ = 0;
  LineReader lines_;
  std::string greeting_, line_;
};

/// The master and userdb protocols 1.1, the same way.
class MasterEngine {
 public:
  struct User {
    unsigned id = 0;
    bool passdb = false;  ///< PASS
    std::string user;
    ipc::AuthInfo info;
  };
  struct List {
    unsigned id = 0;
    std::string mask;
    ipc::AuthInfo info;
  };
  struct CookieRequest {
    unsigned id = 0;
    ipc::AuthCookieRequest request;
  };
  struct CacheFlush {
    unsigned id = 0;
    std::vector<std::string> users;
  };
  struct Broken {
    std::string why;
  };
  using Event = std::variant<User, List, CookieRequest, CacheFlush, Broken>;

  /// userdb_only: a userdb socket, without REQUEST and CACHE-FLUSH.
  MasterEngine(unsigned pid, bool userdb_only);

  const std::string& greeting() const { return greeting_; }
  void receive(std::string_view bytes) { lines_.receive(bytes); }
  std::optional<Event> next_event();
  const std::string& line() const { return line_; }
  bool handshake_done() const { return ready_; }

 private:
  /// nullopt: a line that asks for nothing.
  std::optional<Event> take(std::string_view line);
  std::optional<Event> take_request(const std::vector<std::string_view>& parts);
  Event broken(std::string why);

  bool userdb_only_, ready_ = false, broken_ = false;
  LineReader lines_;
  std::string greeting_, line_;
};

}  // namespace mail::authd
