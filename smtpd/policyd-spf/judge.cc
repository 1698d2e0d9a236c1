#include "smtpd/policyd-spf/judge.h"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "smtpd/policyd-spf/lookup.h"

namespace mail::policyd_spf {

using spf::Outcome;

namespace {

constexpr size_t kKnownMessages = 100;

bool contains(const Networks& networks, const spf::Address& address) {
  return std::any_of(networks.begin(), networks.end(), [&](const auto& net) {
    return address.in(net.first, net.second);
  });
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Whether a policy (Fail, Softfail, SPF_Not_Pass, Null, ...) refuses it.
bool refuses(std::string_view policy, const Finding& finding,
             bool null_sender) {
  Outcome outcome = finding.verdict.outcome;
  if (iequals(policy, "Fail")) return outcome == Outcome::Fail;
  if (iequals(policy, "Null")) {
    return outcome == Outcome::Fail && null_sender;
  }
  bool soft = outcome == Outcome::Fail || outcome == Outcome::SoftFail;
  if (iequals(policy, "Softfail")) return soft;
  if (iequals(policy, "SPF_Not_Pass")) {
    return soft || outcome == Outcome::Neutral;
  }
  return false;
}

}  // namespace

Judge::Judge(const Config& config, dns::Resolver& resolver,
             std::string hostname)
    : config_(config), resolver_(resolver), hostname_(std::move(hostname)) {}

void Judge::say(const Request& request, const Answer& answer) const {
  if (answer.log.empty() || config_.debug_level < 1) return;
  log::info(fmt::format("{}: {}", request.queue_id, answer.log));
}

net::Task<Answer> Judge::judge(Request request) {
  if (!request.instance.empty()) {
    auto known = std::find_if(
        known_.begin(), known_.end(),
        [&](const auto& entry) { return entry.first == request.instance; });
    if (known != known_.end()) {
      Answer answer = known->second.repeats ? known->second : Answer{};
      say(request, answer);
      co_return answer;
    }
  }
  auto answer = co_await decide(request);
  say(request, answer);
  if (!request.instance.empty()) {
    known_.emplace_back(request.instance, answer);
    if (known_.size() > kKnownMessages) known_.pop_front();
  }
  co_return answer;
}

net::Task<Answer> Judge::decide(const Request& asked) {
  if (config_.mock) {
    co_return Answer{.action =
                         "dunno mock header field that should be ignored"};
  }
  Request request = asked;
  if (!config_.prospective.empty()) {
    request.client_address = config_.prospective;
  }
  if (request.helo_name.empty()) request.helo_name = domain_of(request.sender);
  auto client = spf::Address::parse(request.client_address);
  if (!client || (request.helo_name.empty() && request.sender.empty())) {
    if (config_.debug_level >= 2) {
      log::info(client ? "No helo name or sender: not checked"
                       : "No client address: not checked");
    }
    co_return Answer{};
  }
  std::string_view id =
      config_.authserv_id.empty() ? hostname_ : config_.authserv_id;
  Writer writer(config_, request, id);
  auto skipped = co_await whitelisted(request, writer);
  if (skipped) co_return std::move(*skipped);

  std::optional<Finding> helo;
  if (!iequals(config_.helo_reject, "No_Check")) {
    auto found = co_await check_scope(request, Scope::Helo, writer);
    helo = std::move(found);
    auto said = verdict_on(request, *helo, writer);
    if (said) co_return std::move(*said);
  }
  std::optional<Finding> counts = helo;
  if (!request.sender.empty() &&
      !iequals(config_.mail_from_reject, "No_Check")) {
    auto found = co_await check_scope(request, Scope::MailFrom, writer);
    auto said = verdict_on(request, found, writer);
    if (said) co_return std::move(*said);
    bool helo_says_more = found.verdict.outcome == Outcome::None && helo &&
                          helo->verdict.outcome != Outcome::None;
    if (!helo_says_more) counts = std::move(found);
  }
  if (!counts || !config_.prospective.empty()) co_return Answer{};
  co_return writer.header(*counts);
}

/// What is decided by this identity alone; nullopt: go on.
std::optional<Answer> Judge::verdict_on(const Request& request,
                                        const Finding& finding,
                                        const Writer& writer) const {
  bool helo = finding.scope == Scope::Helo;
  const auto& policy = helo ? config_.helo_reject : config_.mail_from_reject;
  const auto& restriction =
      helo ? config_.helo_pass_restriction : config_.mail_from_pass_restriction;
  Outcome outcome = finding.verdict.outcome;
  if (outcome == Outcome::Pass && !restriction.empty()) {
    return writer.restriction(restriction);
  }
  if (iequals(policy, "False")) return std::nullopt;
  if (outcome == Outcome::PermError) {
    if (!config_.perm_error_reject) return std::nullopt;
    return writer.reject(finding, finding.explanation());
  }
  if (outcome == Outcome::TempError) {
    if (!config_.temp_error_defer) return std::nullopt;
    return writer.defer(finding);
  }
  bool listed = contains(config_.reject_not_pass_domains,
                         helo ? request.helo_name : domain_of(request.sender));
  if (listed && (outcome == Outcome::Neutral || outcome == Outcome::SoftFail)) {
    return writer.reject(finding, outcome == Outcome::Neutral
                                      ? "Receiver policy for SPF Neutral"
                                      : "Receiver policy for SPF Softfail");
  }
  if (!refuses(policy, finding, request.sender.empty())) return std::nullopt;
  if (config_.no_mail && !finding.verdict.only_all) return std::nullopt;
  return writer.reject(finding, finding.explanation());
}

net::Task<Finding> Judge::check_scope(const Request& request, Scope scope,
                                      const Writer& writer) {
  bool helo = scope == Scope::Helo;
  spf::Identity identity;
  identity.client = *spf::Address::parse(request.client_address);
  identity.helo = request.helo_name;
  identity.sender = helo ? "postmaster@" + request.helo_name
                    : request.sender.find('@') == std::string::npos
                        ? "postmaster@" + request.sender
                        : request.sender;
  identity.domain = domain_of(identity.sender);
  identity.time = time(nullptr);
  identity.void_limit = config_.void_limit;
  auto verdict = co_await check(std::move(identity), config_.lookup_time);
  Finding finding{scope, std::move(verdict)};
  if (config_.debug_level >= 2) {
    auto outcome = std::string(spf::text_of(finding.verdict.outcome));
    outcome[0] = to_upper(outcome[0]);
    const char* name = helo ? "helo" : "mailfrom";
    log::info(fmt::format("spfcheck: pyspf result: \"['{}', '{}', '{}']\"",
                          outcome, finding.explanation(), name));
    log::info(
        fmt::format("{}; identity={}; {} ", outcome, name, writer.facts()));
  }
  co_return finding;
}

net::Task<spf::Verdict> Judge::check(spf::Identity identity, int seconds,
                                     std::string record) {
  auto deadline = net::Deadline::in(std::chrono::seconds(seconds));
  spf::Replies replies;
  if (!record.empty()) {
    // A record of ours, as if the domain had published it.
    replies[{spf::Question::Type::Txt, identity.domain}] = {
        spf::Reply::Status::Found, {std::move(record)}, {}};
  }
  while (true) {
    auto result = spf::evaluate(identity, replies);
    if (auto* verdict = std::get_if<spf::Verdict>(&result)) {
      co_return std::move(*verdict);
    }
    auto questions = std::get<std::vector<spf::Question>>(std::move(result));
    co_await answer_all(resolver_, std::move(questions), deadline, replies);
  }
}

net::Task<bool> Judge::passes(const Request& request, std::string domain,
                              std::string record) {
  spf::Identity identity;
  identity.client = *spf::Address::parse(request.client_address);
  identity.domain = std::move(domain);
  identity.helo = request.helo_name;
  identity.sender = "postmaster@" + identity.domain;
  auto verdict = co_await check(
      std::move(identity), config_.whitelist_lookup_time, std::move(record));
  co_return verdict.outcome == Outcome::Pass;
}

net::Task<std::optional<Answer>> Judge::whitelisted(const Request& request,
                                                    const Writer& writer) {
  auto client = *spf::Address::parse(request.client_address);
  if (contains(config_.skip_addresses, client)) {
    co_return writer.skipped("SPF check N/A for local connections");
  }
  if (contains(config_.whitelist, client)) {
    co_return writer.skipped("SPF skipped for whitelisted relay");
  }
  for (const auto& domain : config_.domain_whitelist) {
    auto passed = co_await passes(request, domain, "");
    if (passed) {
      co_return writer.skipped("SPF skipped for whitelisted relay domain");
    }
  }
  if (contains(config_.helo_whitelist, request.helo_name)) {
    auto passed = co_await passes(request, request.helo_name, "v=spf1 a -all");
    if (passed) {
      co_return writer.skipped("SPF skipped for whitelisted HELO domain");
    }
  }
  for (const auto& domain : config_.domain_whitelist_ptr) {
    auto passed = co_await passes(request, domain, "v=spf1 ptr -all");
    if (passed) {
      co_return writer.skipped("SPF skipped for PTR whitelisted relay domain");
    }
  }
  co_return std::nullopt;
}

}  // namespace mail::policyd_spf
