#include "dkim-milter/header_rules.h"

#include <fmt/format.h>

namespace mail::dkim_milter {

std::string broken_header_rule(const dkim::HeaderBlock& headers) {
  std::string out;
  for (std::string_view name : {"From", "Date"}) {
    if (headers.find(name).size() != 1) {
      out = fmt::format("message does not have exactly one {} field", name);
    }
  }
  for (std::string_view name : {"Reply-To", "To", "Cc", "Bcc", "Message-Id",
                                "In-Reply-To", "References", "Subject"}) {
    if (headers.find(name).size() > 1) {
      out = fmt::format("message has multiple {} fields", name);
    }
  }
  return out;
}

}  // namespace mail::dkim_milter
