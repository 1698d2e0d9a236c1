#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "authd/extra_fields.h"
#include "authd/settings.h"
#include "common/base/result.h"
#include "common/config/dovecot/expand_variables.h"
#include "common/ipc/dovecot_auth.h"

namespace mail::authd {

/// Somebody who authenticates, or is looked up: what is known so far.
struct Request {
  std::shared_ptr<const Settings> settings;
  ipc::AuthInfo info;
  std::string mechanism;  ///< upper case; empty: a lookup without one

  bool user_known = false;
  /// A name that set_user() refused: shown to the client as it came.
  std::optional<std::string> refused_user;
  std::string user;        ///< as the databases shall know it
  std::string translated;  ///< before auth_username_format
  /// As the client gave it; nullopt: a certificate's name, or none at all.
  std::optional<std::string> original;
  /// Whom a master user wants to become; `user` is the master until proven.
  std::string login_user;
  std::string master_user;  ///< who it really was; empty: the user himself

  std::string password;  ///< plaintext, for %w; wiped by the owner
  ExtraFields extra;     ///< of password databases
  ExtraFields userdb;    ///< of user databases, and userdb_* of the former
  bool userdb_prefetched = false;  ///< a password database said userdb_*
  bool user_changed = false;       ///< a field "user" renamed it

  bool no_password = false;  ///< field nopassword: any will do
  bool no_authenticate = false;
  bool passdb_success = false;  ///< the password is verified already
  bool nodelay = false;
  std::string_view code;  ///< FAIL's code=; empty: none

  /// "alice,192.0.2.1,<session>" for the log; "?" when nobody is known.
  std::string subject() const;
  /// "passwd-file(alice,192.0.2.1,<session>): text".
  std::string line(std::string_view who, std::string_view text) const;

  /// "\tuser=" and, where they are due, "\toriginal_user=" and "\tauth_user=",
  /// of OK and FAIL; `between` stands after user=.
  std::string names(std::string_view between) const;

  /// Gives it a name: default realm, translation, allowed characters, format.
  /// Errors: Permanent, the original's words (they are logged as they are).
  Result<> set_user(std::string_view name);
  /// Who the authenticated user wants to become (SASL authzid, separator).
  Result<> set_login_user(std::string_view name);
  /// After the master has proven himself: goes on as the login user.
  void become_login_user();
};

/// %variables of a request. The text values live as long as `request`; the
/// numbers in `scratch` (reserved by the call).
config::dovecot::Variables variables_of(const Request& request,
                                        std::vector<std::string>& scratch);
/// Expands `text`; what cannot be expanded is logged once and left out.
std::string expand(std::string_view text, const Request& request);
/// The same with every value passed through `escape`.
std::string expand_escaped(std::string_view text, const Request& request,
                           std::string (*escape)(std::string_view));

/// "key=value key2=value2" templates (default_fields, override_fields, args
/// of static): expanded one by one.
std::vector<std::pair<std::string, std::string>> expand_fields(
    std::string_view text, const Request& request);

}  // namespace mail::authd
