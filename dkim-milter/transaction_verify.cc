// The end of a message that is verified: keys, verdicts, lines, the reply.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "dkim-milter/filter_log.h"
#include "dkim-milter/transaction.h"

namespace mail::dkim_milter {

namespace {

using dkim::Check;
using dkim::Status;
using dkim::Verdict;
using Level = Line::Level;

constexpr auto kProgressInterval = std::chrono::seconds(3);

}  // namespace

const std::vector<Check>& Transaction::checks() const {
  return verifier_->checks();
}

void Transaction::wait_for_keys() {
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (!pending_[i]) continue;
    auto answer = pending_[i]->wait(kProgressInterval);
    while (!answer) {
      mta_.progress();
      answer = pending_[i]->wait(kProgressInterval);
    }
    verifier_->set_key(i, std::move(*answer));
  }
}

Reply Transaction::verify() {
  wait_for_keys();
  verifier_->finish();
  const auto& checks = verifier_->checks();
  report(checks);
  remove_forged();
  bool add = !checks.empty() || settings_.always_add;
  if (add) {
    insert("Authentication-Results",
           results_value(settings_, authserv_id(), checks));
  }
  Reply reply = judge(add);
  add_software_header();
  return reply;
}

/// The first that passes, else the first that was judged at all.
const Check* Transaction::overall() const {
  const Check* out = nullptr;
  for (const Check& check : verifier_->checks()) {
    if (check.status == Status::Good) return &check;
    if (!out && check.status != Status::Ignored) out = &check;
  }
  return out;
}

Reply Transaction::judge(bool added_results) {
  const Check* check = overall();
  if (check) return act_on(*check);
  if (!verifier_->checks().empty()) return Reply::Accept;
  Reply action = settings_.actions.no_signature;
  if (action != Reply::Accept) {
    log(Level::Notice, "no signature data");
    if (!added_results) return answer(action, "no DKIM signature data");
  } else if (settings_.log_why) {
    log_line(Priority::Debug, job_id() + ": no signature data");
  }
  return Reply::Accept;
}

Reply Transaction::act_on(const Check& check) {
  const Actions& actions = settings_.actions;
  const auto& s = check.signature;
  bool testing = check.record() && check.record()->testing;
  auto bad = [&]() {
    log(Level::Notice, "bad signature data");
    if (testing) return Reply::Accept;
    if (!settings_.redirect_failures_to.empty()) redirect();
    return answer(actions.bad_signature, "bad DKIM signature data");
  };
  switch (check.status) {
    case Status::BadSignature:
    case Status::BadBodyHash:
      return bad();
    case Status::Good:
      if (settings_.unprotected_key == Unprotected::Fail &&
          check.key->authenticated == false) {
        return bad();
      }
      return Reply::Accept;
    case Status::KeyRevoked:
      log(Level::Notice, fmt::format("key revoked (s={}, d={}, a={})",
                                     s.selector, s.domain, s.algorithm_text));
      return actions.bad_signature;
    case Status::KeyNotFound:
      return answer(actions.key_not_found, "DKIM key retrieval failed",
                    "4.7.5");
    case Status::KeyFailure:
      return answer(actions.dns_error, "DKIM key retrieval failed", "4.7.5");
    case Status::Malformed:
      return answer(actions.bad_signature, "DKIM signature syntax error");
    default:
      return Reply::Accept;
  }
}

void Transaction::report_one(const Check& check) {
  const auto& s = check.signature;
  if (check.applied) {
    log(Level::Info, fmt::format("s={} d={} a={} SSL {}", s.selector, s.domain,
                                 s.algorithm_text, check.crypto_error));
  }
  switch (check.status) {
    case Status::Malformed:
      log(Level::Error, "syntax error: " + check.signature.problem);
      break;
    case Status::KeyNotFound:
    case Status::KeyFailure:
    case Status::KeyMultiple:
    case Status::KeyCorrupt:
    case Status::KeyUnusable: {
      std::string problem = check.key ? check.key->problem : "";
      log(Level::Error,
          fmt::format("key retrieval failed (s={}, d={}){}{}", s.selector,
                      s.domain, problem.empty() ? "" : ": ", problem));
      break;
    }
    default:
      break;
  }
}

void Transaction::report(const std::vector<Check>& checks) {
  std::string domains;
  size_t ignored = 0;
  bool passed = false;
  for (const Check& check : checks) {
    if (!domains.empty()) domains += ", ";
    domains +=
        check.signature.domain.empty() ? "(invalid)" : check.signature.domain;
    ignored += check.status == Status::Ignored;
    passed = passed || check.status == Status::Good;
  }
  if (checks.size() > 1) {
    log(Level::Info, "message has signatures from " + domains);
  }
  if (ignored > 0) {
    log(Level::Info, fmt::format("ignoring {} signature{}", ignored,
                                 ignored == 1 ? "" : "s"));
  }
  for (const Check& check : checks) report_one(check);
  if (passed && settings_.log_success) {
    log(Level::Info, "DKIM verification successful");
  }
  if (settings_.log_results && !checks.empty()) log_results(checks);
}

void Transaction::log_results(const std::vector<Check>& checks) {
  std::string line;
  auto b = header_b(checks);
  for (size_t i = 0; i < checks.size(); ++i) {
    const auto& s = checks[i].signature;
    if (!line.empty()) line += "; ";
    line +=
        fmt::format("signature={} domain={} selector={} result=\"{}\"", b[i],
                    s.domain, s.selector, dkim::status_text(checks[i].status));
  }
  log(Level::Info, line);
}

void Transaction::redirect() {
  for (const auto& recipient : recipients_) {
    if (!mta_.delete_recipient(recipient)) return;
    (void)mta_.add_header("Original-Recipient", "rfc822;" + recipient);
  }
  (void)mta_.add_recipient(settings_.redirect_failures_to);
}

}  // namespace mail::dkim_milter
