#include "smtpd/policyd-spf/answer.h"

#include <fmt/format.h>

#include "common/base/ascii.h"

namespace mail::policyd_spf {

using spf::Outcome;

std::string Finding::explanation() const {
  switch (verdict.outcome) {
    case Outcome::Pass:
      return "sender SPF authorized";
    case Outcome::Fail:
      return verdict.text.empty() ? "SPF fail - not authorized" : verdict.text;
    case Outcome::SoftFail:
      return "domain owner discourages use of this host";
    case Outcome::Neutral:
      return "access neither permitted nor denied";
    case Outcome::PermError:
      return "SPF Permanent Error: " + verdict.text;
    case Outcome::TempError:
      return "SPF Temporary Error: " + verdict.text;
    case Outcome::None:
      break;
  }
  return "";
}

namespace {

std::string capitalised(Outcome outcome) {
  std::string text(spf::text_of(outcome));
  text[0] = to_upper(text[0]);
  return text;
}

std::string shown(const Finding& finding) {
  auto text = finding.explanation();
  return text.empty() ? "no SPF record" : text;
}

void replace(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

Writer::Writer(const Config& config, const Request& request,
               std::string_view authserv_id)
    : config_(config), request_(request), authserv_id_(authserv_id) {
  receiver_ = config.hide_receiver        ? "<UNKNOWN>"
              : request.recipient.empty() ? "none"
                                          : domain_of(request.recipient);
  // Whose settings they were.
  if (!config.per_user.empty() && !request.recipient.empty()) {
    receiver_ = request.recipient;
  }
}

std::string Writer::facts() const {
  return fmt::format("client-ip={}; helo={}; envelope-from={}; receiver={}",
                     request_.client_address, request_.helo_name,
                     request_.sender.empty() ? "<>" : request_.sender,
                     receiver_);
}

std::string Writer::received_spf(const Finding& finding) const {
  bool helo = finding.scope == Scope::Helo;
  // The word in parentheses is the original's, for MAIL FROM too.
  return fmt::format("Received-SPF: {} ({}) identity={}; {} ",
                     capitalised(finding.verdict.outcome),
                     helo ? shown(finding) : "mailfrom",
                     helo ? "helo" : "mailfrom", facts());
}

std::string Writer::authentication_results(const Finding& finding) const {
  bool helo = finding.scope == Scope::Helo;
  return fmt::format("Authentication-Results: {}; spf={} ({}) smtp.{}={} ({})",
                     authserv_id_, spf::text_of(finding.verdict.outcome),
                     shown(finding), helo ? "helo" : "mailfrom",
                     helo ? request_.helo_name : domain_of(request_.sender),
                     facts());
}

Answer Writer::header(const Finding& finding) const {
  return prepend(iequals(config_.header_type, "AR")
                     ? authentication_results(finding)
                     : received_spf(finding));
}

Answer Writer::prepend(std::string_view text) const {
  if (iequals(config_.header_type, "None")) {
    return {.log = fmt::format("Header field not prepended: {}", text)};
  }
  std::string action = fmt::format("prepend {}", text);
  return {.action = action, .log = action};
}

std::string Writer::reason(const Finding& finding, std::string_view word,
                           std::string_view explanation) const {
  bool helo = finding.scope == Scope::Helo;
  std::string url = fmt::format(
      "http://www.openspf.net/Why?s={};id={};ip={};r={}",
      helo ? "helo" : "mfrom", helo ? request_.helo_name : request_.sender,
      request_.client_address, receiver_);
  std::string text = config_.reason_message;
  replace(text, "{rejectdefer}", word);
  replace(text, "{url}", url);
  // Last: a domain's own text must not be taken for the others.
  replace(text, "{spf}", explanation);
  return text;
}

Answer Writer::final(std::string_view code, std::string text) const {
  if (!config_.rejects) return {.repeats = true};
  std::string action = fmt::format("{} {}", code, text);
  return {.action = action, .log = action, .repeats = true};
}

Answer Writer::reject(const Finding& finding,
                      std::string_view explanation) const {
  std::string_view code = "550";
  if (config_.enhanced_status_codes) {
    code = finding.verdict.outcome == Outcome::PermError ? "550 5.7.24"
                                                         : "550 5.7.23";
  }
  return final(code, reason(finding, "rejected", explanation));
}

Answer Writer::defer(const Finding& finding) const {
  return final(config_.enhanced_status_codes ? "defer_if_permit 4.7.24"
                                             : "defer_if_permit",
               reason(finding, "deferred", finding.explanation()));
}

Answer Writer::skipped(std::string_view why) const {
  if (iequals(config_.header_type, "AR")) {
    return prepend(fmt::format("Authentication-Results: {}; none ({} -  {})",
                               authserv_id_, why, facts()));
  }
  return prepend(fmt::format("X-Comment: {} - {} ", why, facts()));
}

Answer Writer::restriction(std::string_view name) const {
  return {.action = std::string(name),
          .log = fmt::format("result_only {}", name)};
}

}  // namespace mail::policyd_spf
