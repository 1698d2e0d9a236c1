#include "submission/postdrop/sender.h"

#include "common/base/ascii.h"
#include "common/mime/address.h"

namespace mail::postdrop {

bool allows_sender(std::string_view patterns, std::string_view sender,
                   std::string_view null_key, std::string_view delimiters) {
  auto parts = mime::split_address(sender);
  std::string domain;
  if (parts.domain) domain = "@" + std::string(*parts.domain);
  std::string whole(mime::split_extension(parts.local, delimiters).user);
  whole += domain;
  for (std::string_view pattern : split(patterns)) {
    if (pattern == "*") return true;
    bool same = sender.empty()             ? pattern == null_key
                : pattern.starts_with('@') ? iequals(pattern, domain)
                                           : iequals(pattern, whole);
    if (same) return true;
  }
  return false;
}

}  // namespace mail::postdrop
