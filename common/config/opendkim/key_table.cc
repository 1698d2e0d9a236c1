#include "common/config/opendkim/key_table.h"

#include "common/base/ascii.h"

namespace mail::config::opendkim {

namespace {

std::string replace_percent(std::string_view text, std::string_view with) {
  std::string out;
  for (char c : text) {
    if (c == '%') {
      out += with;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

bool KeyEntry::is_file() const {
  return key.starts_with('/') || key.starts_with("./") ||
         key.starts_with("../");
}

bool KeyEntry::depends_on_domain() const {
  return key.starts_with('/') && key.find('%') != std::string::npos;
}

KeyEntry KeyEntry::for_domain(std::string_view sender_domain) const {
  KeyEntry out = *this;
  if (domain == "%") out.domain = sender_domain;
  if (depends_on_domain()) out.key = replace_percent(key, out.domain);
  return out;
}

Result<KeyEntry> read_key_entry(std::string_view value) {
  KeyEntry out;
  size_t first = value.find(':');
  size_t second =
      first == std::string_view::npos ? first : value.find(':', first + 1);
  if (second == std::string_view::npos) {
    return fail(Fault::Config, "not of the form domain:selector:key");
  }
  out.domain = trim(value.substr(0, first));
  out.selector = trim(value.substr(first + 1, second - first - 1));
  out.key = trim(value.substr(second + 1));
  if (out.domain.empty() || out.selector.empty() || out.key.empty()) {
    return fail(Fault::Config, "not of the form domain:selector:key");
  }
  return out;
}

SigningEntry SigningEntry::for_domain(std::string_view sender_domain) const {
  SigningEntry out = *this;
  if (key_name == "%") out.key_name = sender_domain;
  out.signer = replace_percent(signer, sender_domain);
  return out;
}

SigningEntry read_signing_entry(std::string_view value) {
  SigningEntry out;
  size_t colon = value.find(':');
  out.key_name = trim(value.substr(0, colon));
  if (colon != std::string_view::npos) {
    out.signer = trim(value.substr(colon + 1));
  }
  return out;
}

}  // namespace mail::config::opendkim
