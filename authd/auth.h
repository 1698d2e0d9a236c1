#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "authd/cache.h"
#include "authd/calls.h"
#include "authd/passdb.h"
#include "authd/userdb.h"

namespace mail::authd {

/// The databases of one protocol, and in what order and by what rules they
/// are asked (passdb {} and userdb {}: skip, result_*, deny, master, pass).
class Auth {
 public:
  /// Errors: Config, the original's words.
  static Result<std::unique_ptr<Auth>> make(
      std::shared_ptr<const Settings> settings);

  const std::shared_ptr<const Settings>& settings() const { return settings_; }
  /// `cache` may be null; both live longer.
  void use(Calls* calls, Cache* cache) {
    calls_ = calls;
    cache_ = cache;
  }

  /// Is `password` the user's? For a master user (request.login_user), his;
  /// then the request goes on as the login user. On Ok the request has the
  /// fields; on failure request.code may say more.
  net::Task<PassResult> authenticate(Request& request,
                                     std::string_view password);
  /// What `scheme` needs of the user ("PLAIN", "CRAM-MD5", ...), raw.
  struct Credentials {
    PassResult result = PassResult::InternalFailure;
    std::string raw;
  };
  net::Task<Credentials> credentials(Request& request, std::string_view scheme);
  /// PASS: the fields alone; NoScheme: no database can look up.
  net::Task<PassResult> look_up_fields(Request& request);
  /// request.userdb. verified: the user has authenticated (so he exists).
  net::Task<UserResult> look_up_user(Request& request, bool verified);
  /// All users' names.
  net::Task<Calls::Listed> list(Request& request);

  Passdb* passdb(unsigned id) {
    return id < passdbs_.size() ? passdbs_[id].get() : nullptr;
  }
  Userdb* userdb(unsigned id) {
    return id < userdbs_.size() ? userdbs_[id].get() : nullptr;
  }
  /// Whether some password database can say what is stored.
  bool can_look_up() const;

 private:
  explicit Auth(std::shared_ptr<const Settings> settings)
      : settings_(std::move(settings)) {}

  enum class Want { Verify, Credentials, Fields };
  struct Ask {
    Want want;
    std::string_view password, scheme;
    std::string raw;  // Credentials: found
    bool supported = false;
  };
  net::Task<PassResult> walk(Request& request, Ask& ask, bool masters);
  net::Task<PassResult> one(Passdb& passdb, Request& request, Ask& ask);
  net::Task<PassAnswer> fetch(Passdb& passdb, Request& request, Ask& ask);
  net::Task<PassResult> master(Request& request, Ask& ask);
  net::Task<UserResult> one(Userdb& userdb, Request& request, bool verified);
  net::Task<UserAnswer> fetch(Userdb& userdb, Request& request);
  bool applies(const Passdb& passdb, const Request& request,
               const Ask& ask) const;

  std::shared_ptr<const Settings> settings_;
  std::vector<std::unique_ptr<Passdb>> passdbs_;
  std::vector<std::unique_ptr<Userdb>> userdbs_;
  Calls* calls_ = nullptr;
  Cache* cache_ = nullptr;
};

/// How a result rule moves the chain on.
struct Step {
  bool stop = false;
  std::optional<bool> success;  ///< becomes the chain's state
};
/// "return", "return-ok", "return-fail", "continue", "continue-ok",
/// "continue-fail".
Step step_of(std::string_view rule);

/// username_filter: patterns with * and ?, "!" in front: not these.
bool matches_filter(std::string_view filter, std::string_view user);

}  // namespace mail::authd
