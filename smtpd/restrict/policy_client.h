#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/config/postfix/settings.h"
#include "common/net/address.h"
#include "common/net/stream.h"
#include "common/net/task.h"

namespace mail::smtpd::restriction {

/// One policy server (SMTPD_POLICY_README): plain attributes, one request at a
/// time on each connection; connections are kept and shared by all sessions.
///   unix:PATH, inet:HOST:PORT, or { ENDPOINT, name=value, ... } with timeout,
///   max_idle, max_ttl, request_limit, try_limit, retry_delay,
///   default_action, policy_context.
class PolicyClient {
 public:
  struct Options {
    std::string endpoint;  ///< as written: "unix:private/policy"
    std::string path;      ///< of a Unix socket; else:
    std::vector<net::Endpoint> addresses;
    std::string default_action, context;
    Duration timeout{}, max_idle{}, max_ttl{}, retry_delay{};
    long request_limit = 0, try_limit = 2;
  };
  /// Reads the argument; host names are looked up now, before chroot.
  /// Errors: Config, a text for `fatal:`.
  static Result<Options> parse(std::string_view text,
                               const config::Settings& settings);

  explicit PolicyClient(Options options) : options_(std::move(options)) {}
  const Options& options() const { return options_; }

  /// Sends the request (with its empty line); the value of action=. After the
  /// last try, with warnings, the default action.
  net::Task<std::string> ask(std::string request);

 private:
  struct Kept {
    net::Stream stream;
    Instant born, used;
    long requests = 0;
  };
  std::optional<Kept> take_kept();
  net::Task<Result<Kept>> connect();
  net::Task<Result<std::string>> exchange(Kept& kept, std::string_view request);

  Options options_;
  std::vector<Kept> idle_;
};

}  // namespace mail::smtpd::restriction
