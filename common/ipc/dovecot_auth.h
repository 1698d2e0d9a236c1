#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/ipc/tabbed.h"

// Dovecot's authentication conversations (2.3: client protocol 1.2, master
// protocol 1.1), lines of common/ipc/tabbed.h.
//
//   client            auth              mail process         auth
//   <- VERSION MECH... SPID CUID COOKIE DONE   <- VERSION SPID
//   -> VERSION CPID                            -> VERSION
//   -> AUTH id mech service=...                -> REQUEST id cpid auth-id
//   cookie
//   <- CONT | OK | FAIL id ...                 <- USER | NOTFOUND | FAIL id ...
//   -> CONT id response, CANCEL id             -> USER, PASS, LIST, CACHE-FLUSH
namespace mail::ipc {

constexpr size_t kAuthClientLine = 16384;  ///< AUTH, CONT with their LF
constexpr size_t kAuthMasterLine = 1024;   ///< what a server reads at the most
constexpr size_t kAuthAnswerLine = 65536;  ///< what a client reads at the most
constexpr unsigned kAuthMajor = 1, kAuthClientMinor = 2, kAuthMasterMinor = 1;

/// A SASL mechanism that a server offers, and what it says of it.
struct AuthMechanism {
  std::string name;
  bool plaintext = false, anonymous = false, dictionary = false, active = false,
       forward_secrecy = false, mutual_auth = false, is_private = false;

  /// "MECH\tNAME\tflag..." without LF; nullopt: another line.
  static std::optional<AuthMechanism> parse(std::string_view line);
  std::string encode() const;
  friend bool operator==(const AuthMechanism&, const AuthMechanism&) = default;
};

/// Who asks for whom: the parameters of AUTH, USER and PASS. Empty text and
/// port 0: not said.
struct AuthInfo {
  std::string service;  ///< "imap", "pop3", "smtp", "lmtp", "doveadm"
  std::string local_ip, remote_ip;
  uint16_t local_port = 0, remote_port = 0;
  /// Of the connection itself where the above are a proxy's word.
  std::string real_local_ip, real_remote_ip;
  uint16_t real_local_port = 0, real_remote_port = 0;
  std::string local_name;  ///< TLS server name
  std::string session;
  /// The connection cannot be listened to (TLS, or from this host); `tls`:
  /// because of TLS.
  bool secured = false, tls = false;
  bool valid_client_cert = false;
  std::string cert_username;
  std::string client_id;       ///< IMAP ID, as the client gave it
  std::string forward_fields;  ///< base64 or escaped, passed through
  bool debug = false;
  bool no_penalty = false;     ///< no delay because of others' failures
  bool final_resp_ok = false;  ///< the protocol can carry data with its OK

  /// "\tservice=imap\tsecured..."; `service` always, the rest if it is said.
  std::string encode() const;
  /// One piece of a line; false: not a parameter of these (ignore it).
  bool parse(std::string_view piece);
  friend bool operator==(const AuthInfo&, const AuthInfo&) = default;
};

/// AUTH. `initial` is base64 as on the wire: nullopt: none; "": empty.
struct AuthStart {
  unsigned id = 0;
  std::string mechanism;
  AuthInfo info;
  std::optional<std::string> initial;

  std::string encode() const;  ///< with LF
  /// client_minor: of the peer's VERSION; below 2 an empty resp= means none.
  /// Errors: Protocol, in Dovecot's words after "client N ".
  static Result<AuthStart> parse(const std::vector<std::string_view>& pieces,
                                 unsigned client_minor);
};

/// CONT, OK and FAIL, by the server.
struct AuthAnswer {
  enum class Kind { Continue, Ok, Fail } kind = Kind::Fail;
  unsigned id = 0;
  std::string challenge;  ///< Continue: base64
  TabFields fields;       ///< Ok, Fail: user=, reason=, nologin, code=...
  std::vector<std::string> words;  ///< the same as they came, empty ones too

  /// nullopt: not one of these lines.
  static std::optional<AuthAnswer> parse(std::string_view line);
};

/// FAIL's code=.
constexpr std::string_view kCodeTempFail = "temp_fail";
constexpr std::string_view kCodeAuthzFail = "authz_fail";
constexpr std::string_view kCodeUserDisabled = "user_disabled";
constexpr std::string_view kCodePassExpired = "pass_expired";
constexpr std::string_view kCodeInvalidBase64 = "invalid_base64";

/// REQUEST: a mail process shows what the login process handed it.
struct AuthCookieRequest {
  uint32_t client_pid = 0;  ///< the login process's CPID
  unsigned auth_id = 0;     ///< its AUTH id
  std::string cookie;       ///< 32 hex digits, of the login's handshake
  uint32_t session_pid = 0;
  bool want_token = false;  ///< request_auth_token
};

/// USER, PASS, NOTFOUND, FAIL of the master and userdb sockets.
struct UserAnswer {
  enum class Kind { Found, NotFound, Fail } kind = Kind::Fail;
  unsigned id = 0;
  std::string user;  ///< Found, USER: the name that the databases know
  TabFields fields;  ///< uid=, gid=, home=...; Fail: reason=
  std::vector<std::string> words;  ///< the same as they came, empty ones too

  static std::optional<UserAnswer> parse(std::string_view line);
};

}  // namespace mail::ipc
