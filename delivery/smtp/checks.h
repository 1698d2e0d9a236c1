#pragma once

#include <optional>
#include <string>

#include "common/config/postfix/settings.h"
#include "common/maps/tables.h"
#include "common/mime/mime_state.h"

namespace mail::smtpc {

/// smtp_header_checks and its kin: header_checks(5) with the actions that make
/// sense while mail leaves. For all deliveries of the process.
class Checks {
 public:
  Checks() = default;
  static Result<Checks> open(const config::Settings& settings,
                             config::ClientMode mode,
                             const maps::OpenOptions& tables);

  /// What becomes of one header or body line.
  struct Verdict {
    bool drop = false;
    std::optional<std::string> before;       ///< a line in front
    std::optional<std::string> replacement;  ///< instead of the text
  };
  /// text: a whole header, lines parted by LF. Logs what is done.
  /// Errors: Temporary, a table failed.
  net::Task<Result<Verdict>> header(mime::HeaderClass where, std::string text,
                                    std::string id);
  /// One body line.
  net::Task<Result<Verdict>> body(std::string text, std::string id);

  bool heads() const {
    return !header_.empty() || !mime_.empty() || !nested_.empty();
  }
  bool bodies() const { return !body_.empty(); }
  /// Something must be looked at past the message's own header.
  bool below_head() const {
    return !mime_.empty() || !nested_.empty() || bodies();
  }

 private:
  net::Task<Result<Verdict>> look_up(maps::Tables& tables, const char* what,
                                     std::string text, std::string id);
  maps::Tables header_, mime_, nested_, body_;
};

/// An entry's right-hand side, carried out. what: "header" or "body"; title:
/// the parameter's name. Logs.
Checks::Verdict act_on_check(std::string_view value, std::string_view what,
                             std::string_view text, std::string_view id,
                             std::string_view title);

}  // namespace mail::smtpc
