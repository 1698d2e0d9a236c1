#pragma once

#include <string>
#include <string_view>

namespace mail::mime {

/// The base subject of RFC 5256, 2.1, of a Subject header's raw value: encoded
/// words decoded, in title case (casemap), blanks collapsed, [blobs], Re:,
/// Fwd: and (fwd) taken off.
struct BaseSubject {
  std::string text;
  bool reply = false;  ///< something was taken off that says "reply" or
                       ///< "forward"
};
BaseSubject base_subject(std::string_view value);

}  // namespace mail::mime
