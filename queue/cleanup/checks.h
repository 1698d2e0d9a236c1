#pragma once

#include "queue/cleanup/state.h"

namespace mail::cleanup {

/// header_checks(5), body_checks(5) and their kin.
class Checks {
 public:
  explicit Checks(State& state) : s_(state) {}

  struct Result {
    bool drop = false;                       ///< do not write the line
    std::optional<std::string> replacement;  ///< write this instead
    std::optional<std::string> before;       ///< write this line first
    bool rejected = false;
  };
  /// context: "header" or "body"; text: the whole header, lines parted by LF,
  /// or a body line. Logs, and changes the state (hold, filter, ...).
  net::Task<Result> look_up(maps::Tables& tables, std::string_view context,
                            std::string text);

 private:
  Result act(std::string_view action, std::string_view rest,
             std::string_view context, std::string_view text,
             std::string_view table);
  void reject(std::string_view rest, std::string_view context,
              std::string_view text);
  State& s_;
};

}  // namespace mail::cleanup
