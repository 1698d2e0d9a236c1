#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "authd/request.h"
#include "common/base/result.h"
#include "common/ipc/tabbed.h"

namespace mail::authd {

enum class PassResult {
  Ok,
  Mismatch,  ///< the password is wrong
  UnknownUser,
  NoScheme,         ///< the stored password does not suit the mechanism
  InternalFailure,  ///< the database could not be asked
  UserDisabled,
  PassExpired,
};
/// Of the workers' protocol; nullopt: another word.
std::string_view word(PassResult result);
std::optional<PassResult> pass_result(std::string_view word);

/// What a password database said.
struct PassAnswer {
  PassResult result = PassResult::InternalFailure;
  /// The stored password and its scheme; nullopt: there is none (PAM).
  std::optional<std::string> stored;
  std::string scheme;
  /// Fields as the database has them, values expanded.
  ipc::TabFields fields;
};

/// A password database. Drivers are synchronous: those that block are run in
/// worker processes only. What goes wrong they log themselves.
class Passdb {
 public:
  Passdb(DatabaseSettings settings, unsigned id)
      : settings_(std::move(settings)), id_(id) {}
  Passdb(const Passdb&) = delete;
  Passdb& operator=(const Passdb&) = delete;
  virtual ~Passdb() = default;

  const DatabaseSettings& settings() const { return settings_; }
  unsigned id() const { return id_; }  ///< place in the configuration
  /// In the log: its name, or the driver's.
  virtual std::string_view log_name() const;

  virtual bool blocking() const { return false; }
  /// Knows stored passwords (so other mechanisms than plaintext, LMTP).
  virtual bool looks_up() const { return true; }
  /// %variables that the answer depends on; empty: must not be cached.
  virtual std::string_view cache_key() const { return {}; }

  /// What is stored of request.user.
  virtual PassAnswer look_up(const Request& request) = 0;
  /// Whether `password` is right; drivers that look up need not know.
  virtual PassAnswer verify(const Request& request, std::string_view password);

 private:
  DatabaseSettings settings_;
  unsigned id_;
};

/// Checks `password` against what look_up() found; the answer's result then
/// says so. Logs as the original does. May take long (is_slow()).
void check_stored(const Passdb& passdb, const Request& request,
                  PassAnswer& answer, std::string_view password);
/// The same in parts, for those who hash elsewhere: nullopt: decided already
/// (answer.result), else the raw data to verify against.
std::optional<std::string> prepare_check(const Passdb& passdb,
                                         const Request& request,
                                         PassAnswer& answer,
                                         std::string_view password);
void conclude_check(const Passdb& passdb, const Request& request,
                    PassAnswer& answer, const Result<bool>& verdict,
                    std::string_view password);

/// Errors: Config, in the original's words ("Unknown passdb driver 'x'").
Result<std::unique_ptr<Passdb>> make_passdb(const DatabaseSettings& settings,
                                            unsigned id);

}  // namespace mail::authd
