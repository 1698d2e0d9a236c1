#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/config/dovecot/description.h"

namespace mail::config::dovecot {

/// A text as its type reads it.
struct Value {
  long long number = 0;  ///< bool 0 or 1; bytes; seconds or milliseconds
  std::string text;      ///< as doveconf prints it: "90 mins", "0600"
};

/// Errors: Config, in the original's words ("Invalid size: 12x").
Result<Value> read_value(const SettingInfo& setting, std::string_view text);

/// What is allowed, for the reader of an error: "yes or no"; may be empty.
std::string allowed_values(const SettingInfo& setting);

/// "1 M", "1000 B", "0".
std::string size_text(unsigned long long bytes);
/// "90 mins", "1500 ms", "0"; of milliseconds.
std::string time_text(unsigned long long milliseconds);

}  // namespace mail::config::dovecot
