#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/config/postfix/load.h"
#include "common/config/postfix/settings.h"

namespace mail::config {

/// The text of one kind of notification (bounce(5)).
struct BounceTemplate {
  std::string_view kind;  ///< "failure", "delay", "success", "verify"
  std::string charset, from, subject;
  std::string postmaster_subject;  ///< empty for success and verify
  std::string text;  ///< lines, each with \n; $names are not expanded yet
  /// Of the MIME part that carries the text.
  bool is_8bit() const;
};

struct BounceTemplates {
  BounceTemplate failure, delay, success, verify;
};

/// Those used when bounce_template_file is not set.
BounceTemplates builtin_bounce_templates();

/// Reads bounce_template_file; what it does not set, or sets wrongly (`warn`
/// is told), stays built in.
/// Errors: Config: "PATH, line N: missing '=' after attribute name: ...",
/// "PATH, line N: missing end marker after <<".
Result<BounceTemplates> parse_bounce_templates(std::string_view text,
                                               std::string_view path,
                                               const WarningSink& warn);

/// The text with main.cf's parameters put in, delay_warning_time_hours and
/// its like too. Errors: Config: `PATH: unrecognized suffix ...`, `PATH:
/// undefined $name in failure template: LINE`, `PATH: bad $name syntax ...`.
Result<std::string> expand_bounce_text(const BounceTemplate& bounce,
                                       std::string_view path,
                                       const Settings& settings,
                                       const WarningSink& warn);

/// The output of postconf -t.
std::string dump_bounce_templates(const BounceTemplates& templates);

}  // namespace mail::config
