#include "common/mime/address.h"

#include <arpa/inet.h>

#include "common/base/ascii.h"
#include "common/mime/address_list.h"

namespace mail::mime {
namespace {

bool is_atext(char c) {
  return is_alnum(c) || static_cast<unsigned char>(c) > 127 ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) !=
             std::string_view::npos;
}

/// Atoms with single dots between them.
bool is_dot_string(std::string_view local) {
  bool after_dot = true;
  for (char c : local) {
    if (c == '.') {
      if (after_dot) return false;
      after_dot = true;
    } else if (is_atext(c)) {
      after_dot = false;
    } else {
      return false;
    }
  }
  return !after_dot;
}

/// The last "@" outside of quotes; npos: none.
size_t find_at(std::string_view external) {
  size_t found = std::string_view::npos;
  bool quoted = false;
  for (size_t i = 0; i < external.size(); ++i) {
    char c = external[i];
    if (c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == '@' && !quoted) {
      found = i;
    }
  }
  return found;
}

/// Not empty, and no empty label but perhaps behind the last dot.
bool has_good_dots(std::string_view domain) {
  return !domain.empty() && domain[0] != '.' &&
         domain.find("..") == std::string_view::npos;
}

/// <local@domain> of plain characters, as nearly every one is.
bool is_plain(std::string_view address) {
  size_t at = address.find('@');
  if (at == 0 || at == std::string_view::npos) return false;
  for (size_t i = 0; i < address.size(); ++i) {
    char c = address[i];
    if (!is_alnum(c) && c != '.' && c != '-' && c != '_' && c != '+' &&
        c != '=' && i != at) {
      return false;
    }
  }
  return has_good_dots(address.substr(at + 1));
}

bool is_balanced(std::string_view text) {
  int depth = 0;
  for (const Token& token : tokenize(text)) {
    if (token.kind != Token::Kind::Special) continue;
    if (token.text == "<") ++depth;
    if (token.text == ">" && --depth < 0) return false;
  }
  return depth == 0;
}

/// The part between the outermost <>; nullopt: there are none.
std::optional<std::string_view> inside_brackets(std::string_view text) {
  if (text.size() < 2 || text.front() != '<' || text.back() != '>') {
    return std::nullopt;
  }
  return text.substr(1, text.size() - 2);
}

}  // namespace

std::string quote_local(std::string_view internal) {
  AddressParts parts = split_address(internal);
  if (internal.empty() || is_dot_string(parts.local)) {
    return std::string(internal);
  }
  std::string out = "\"";
  for (char c : parts.local) {
    if (c == '"' || c == '\\' || c == '\r' || c == '\n') out += '\\';
    out += c;
  }
  out += '"';
  if (parts.domain) {
    out += '@';
    out += *parts.domain;
  }
  return out;
}

std::string unquote_local(std::string_view external) {
  size_t at = find_at(external);
  std::string out;
  std::string_view local = external.substr(0, at);
  for (size_t i = 0; i < local.size(); ++i) {
    if (local[i] == '"') continue;
    if (local[i] == '\\' && i + 1 < local.size()) ++i;
    out += local[i];
  }
  if (at != std::string_view::npos) out += external.substr(at);
  return out;
}

AddressParts split_address(std::string_view internal) {
  size_t at = internal.rfind('@');
  if (at == std::string_view::npos) return {internal, std::nullopt};
  return {internal.substr(0, at), internal.substr(at + 1)};
}

LocalParts split_extension(std::string_view local, std::string_view delimiters,
                           SplitOptions options) {
  LocalParts whole{local, std::nullopt, 0};
  for (std::string_view fixed :
       {"mailer-daemon", "double-bounce", "postmaster"}) {
    if (iequals(local, fixed)) return whole;
  }
  bool dash = delimiters.find('-') != std::string_view::npos;
  if (options.owner_request_special && dash &&
      (istarts_with(local, "owner-") || iends_with(local, "-request"))) {
    return whole;
  }
  size_t at = local.find_first_of(delimiters, 1);
  if (local.empty() || at == std::string_view::npos) return whole;
  return {local.substr(0, at), local.substr(at + 1), local[at]};
}

bool is_postmaster(std::string_view local) {
  return iequals(local, "postmaster");
}

bool is_domain(std::string_view domain) {
  if (domain.empty() || domain.size() > 255) return false;
  bool numeric = true;
  for (std::string_view label : split_exact(domain, '.')) {
    if (label.empty() || label.size() > 63) return false;
    if (label.front() == '-' || label.back() == '-') return false;
    numeric = true;
    for (char c : label) {
      if (!is_alnum(c) && c != '-' && c != '_' &&
          static_cast<unsigned char>(c) < 128) {
        return false;
      }
      numeric = numeric && is_digit(c);
    }
  }
  return !numeric;
}

bool is_domain_literal(std::string_view domain) {
  if (domain.size() < 3 || domain.front() != '[' || domain.back() != ']') {
    return false;
  }
  domain = domain.substr(1, domain.size() - 2);
  bool v6 = istarts_with(domain, "IPv6:");
  if (v6) domain.remove_prefix(5);
  if (domain.find('\0') != std::string_view::npos) return false;
  unsigned char address[16];
  return inet_pton(v6 ? AF_INET6 : AF_INET, std::string(domain).c_str(),
                   address) == 1;
}

std::string_view strip_source_route(std::string_view external) {
  if (external.empty() || external[0] != '@') return external;
  size_t colon = external.find(':');
  return colon == std::string_view::npos ? external
                                         : external.substr(colon + 1);
}

std::optional<std::string> parse_envelope_address(std::string_view text,
                                                  EnvelopeSyntax syntax) {
  auto inside = inside_brackets(text);
  if (inside && is_plain(*inside)) return std::string(*inside);
  if (syntax == EnvelopeSyntax::Strict) {
    // Nothing but a path: no phrase, comment or second address.
    if (!inside || inside->find_first_of("<>()") != std::string_view::npos) {
      return std::nullopt;
    }
  }
  std::string_view path = strip_source_route(trim(inside.value_or(text)));
  if (!is_balanced(path)) return std::nullopt;
  AddressList list(path);
  if (list.size() == 0 && inside && trim(path).empty()) return "";
  if (list.size() != 1) return std::nullopt;
  std::string_view external = strip_source_route(list.external(0));
  size_t at = find_at(external);
  if (at != std::string_view::npos && !has_good_dots(external.substr(at + 1))) {
    return std::nullopt;
  }
  if (external.find(' ', at == std::string_view::npos ? 0 : at) !=
          std::string_view::npos &&
      external.find('"') == std::string_view::npos) {
    return std::nullopt;
  }
  return unquote_local(external);
}

}  // namespace mail::mime
