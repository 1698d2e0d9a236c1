#pragma once

#include <deque>
#include <string>
#include <utility>

#include "common/dns/resolver.h"
#include "common/net/task.h"
#include "common/spf/check.h"
#include "smtpd/policyd-spf/answer.h"

namespace mail::policyd_spf {

/// Answers policy requests: whom to skip, which identity counts, what its
/// verdict means here. One object a process; asks DNS.
class Judge {
 public:
  Judge(const Config& config, dns::Resolver& resolver, std::string hostname);

  /// The answer, logged already.
  net::Task<Answer> judge(Request request);

 private:
  net::Task<Answer> decide(const Request& request);
  net::Task<std::optional<Answer>> whitelisted(const Request& request,
                                               const Writer& writer);
  /// check_host for a domain and sender, within `seconds`.
  net::Task<spf::Verdict> check(spf::Identity identity, int seconds,
                                std::string record = {});
  net::Task<bool> passes(const Request& request, std::string domain,
                         std::string record);
  net::Task<Finding> check_scope(const Request& request, Scope scope,
                                 const Writer& writer);
  std::optional<Answer> verdict_on(const Request& request,
                                   const Finding& finding,
                                   const Writer& writer) const;
  void say(const Request& request, const Answer& answer) const;

  const Config& config_;
  dns::Resolver& resolver_;
  std::string hostname_;
  /// Of the last messages: the answer to the first recipient.
  std::deque<std::pair<std::string, Answer>> known_;
};

}  // namespace mail::policyd_spf
