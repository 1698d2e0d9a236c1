#pragma once

#include <map>
#include <string>

#include "common/base/clock.h"
#include "common/config/postfix/settings.h"
#include "common/ipc/conversation.h"
#include "common/ipc/rewrite.h"

namespace mail::ipc {

/// trivial-rewrite(8), asked by this process; answers are kept for 30 s.
class RewriteClient {
 public:
  explicit RewriteClient(const config::Settings& settings);

  /// Internal form to complete internal form, in local context.
  /// Errors: Temporary.
  net::Task<Result<std::string>> complete(std::string address);
  /// Verify: for a probe, by the address_verify_* routing.
  enum class Use { Delivery, Verify };
  /// The class, transport and next hop of an address. Errors: Temporary.
  net::Task<Result<ResolveReply>> resolve(std::string sender,
                                          std::string address,
                                          Use use = Use::Delivery);

 private:
  template <class T>
  struct Kept {
    T value;
    Instant until;
  };
  Client client_;
  std::map<std::string, Kept<std::string>, std::less<>> completed_;
  std::map<std::string, Kept<ResolveReply>, std::less<>> resolved_;
};

}  // namespace mail::ipc
