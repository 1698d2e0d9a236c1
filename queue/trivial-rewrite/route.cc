#include "queue/trivial-rewrite/route.h"

#include "common/mime/address.h"

namespace mail::rewrite {

std::optional<size_t> find_operator(std::string_view external, char op) {
  std::optional<size_t> found;
  bool quoted = false, literal = false;
  for (size_t i = 0; i < external.size(); ++i) {
    char c = external[i];
    if (c == '\\') {
      ++i;
    } else if (c == '"' && !literal) {
      quoted = !quoted;
    } else if (quoted) {
      continue;
    } else if (c == '[' || c == ']') {
      literal = c == '[';
    } else if (c == op && !literal) {
      found = i;
      if (op == '!' || op == ':') break;
    }
  }
  return found;
}

namespace {

std::string joined(std::string_view local, std::string_view domain) {
  return std::string(local) + '@' + std::string(domain);
}

/// The bang path or percent form of an address without "@".
std::optional<std::string> swapped(std::string_view text,
                                   const RouteRules& rules,
                                   std::optional<size_t> bang,
                                   std::optional<size_t> percent) {
  if (rules.swap_bangpath && bang) {
    return joined(text.substr(*bang + 1), text.substr(0, *bang));
  }
  if (rules.percent_hack && percent) {
    return joined(text.substr(0, *percent), text.substr(*percent + 1));
  }
  return std::nullopt;
}

std::string requoted(std::string_view external) {
  return mime::quote_local(mime::unquote_local(external));
}

}  // namespace

std::string standard_form(std::string_view external, const StandardForm& form) {
  if (external == "@" || external == "\"\"") return "\"\"";
  if (external.starts_with('@')) {
    auto colon = find_operator(external, ':');
    if (colon) external.remove_prefix(*colon + 1);
  }
  std::string address(external);
  if (address.empty()) return address;
  if (!find_operator(address, '@')) {
    if (auto route = swapped(address, form, find_operator(address, '!'),
                             find_operator(address, '%'))) {
      address = std::move(*route);
    } else if (form.append_at_origin && !form.origin.empty()) {
      address = joined(address, form.origin);
    }
  }
  auto at = find_operator(address, '@');
  if (!at) return requoted(address);
  std::string_view domain = std::string_view(address).substr(*at + 1);
  if (form.append_dot_domain && !form.domain.empty() && !domain.empty() &&
      domain.front() != '[' && domain.find('.') == std::string_view::npos) {
    address += '.' + form.domain;
  }
  if (address.size() > *at + 2 && address.back() == '.' &&
      address[address.size() - 2] != '@' &&
      address[address.size() - 2] != '.') {
    address.pop_back();
  }
  return requoted(address);
}

std::optional<std::string> inner_route(std::string_view text,
                                       const RouteRules& rules) {
  if (text.find('@') != std::string_view::npos) return std::string(text);
  auto place = [](size_t at) -> std::optional<size_t> {
    if (at == std::string_view::npos) return std::nullopt;
    return at;
  };
  return swapped(text, rules, place(text.find('!')), place(text.rfind('%')));
}

}  // namespace mail::rewrite
