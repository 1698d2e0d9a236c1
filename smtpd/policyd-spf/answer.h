#pragma once

#include <string>
#include <string_view>

#include "common/spf/check.h"
#include "smtpd/policyd-spf/config.h"
#include "smtpd/policyd-spf/request.h"

namespace mail::policyd_spf {

/// What is said to smtpd, and to the log.
struct Answer {
  std::string action = "dunno";  ///< after "action="
  std::string log;               ///< after "QUEUE_ID: "; empty: no line
  bool repeats = false;          ///< for each recipient of the message
};

enum class Scope { Helo, MailFrom };

/// One identity's verdict with what its texts need.
struct Finding {
  Scope scope = Scope::Helo;
  spf::Verdict verdict;
  /// "sender SPF authorized", "SPF Permanent Error: ..."; "" for None.
  std::string explanation() const;
};

/// The texts of one request's answers.
class Writer {
 public:
  Writer(const Config& config, const Request& request,
         std::string_view authserv_id);

  /// Received-SPF or Authentication-Results, or none (Header_Type).
  Answer header(const Finding& finding) const;
  /// 550, or a would-be rejection with TestOnly = 0.
  Answer reject(const Finding& finding, std::string_view explanation) const;
  Answer defer(const Finding& finding) const;
  /// "X-Comment: WHY - client-ip=...": the check was not made.
  Answer skipped(std::string_view why) const;
  Answer restriction(std::string_view name) const;
  /// "client-ip=...; helo=...; envelope-from=...; receiver=..."
  std::string facts() const;

 private:
  std::string reason(const Finding& finding, std::string_view word,
                     std::string_view explanation) const;
  Answer prepend(std::string_view header) const;
  Answer final(std::string_view code, std::string text) const;
  std::string received_spf(const Finding& finding) const;
  std::string authentication_results(const Finding& finding) const;

  const Config& config_;
  const Request& request_;
  std::string_view authserv_id_;
  std::string receiver_;
};

}  // namespace mail::policyd_spf
