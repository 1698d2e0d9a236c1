#include "common/maps/address_find.h"

#include "common/base/ascii.h"

namespace mail::maps {
namespace {

// RFC 5322 atext, bytes of UTF-8, and dots in any place but doubled or last.
bool is_plain_local(std::string_view local) {
  if (local.empty() || local.front() == '.' || local.back() == '.') {
    return false;
  }
  char before = 0;
  for (char c : local) {
    bool dotted = c == '.' && before != '.';
    bool high = (c & 0x80) != 0;
    if (!is_alnum(c) && !dotted && !high &&
        std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) ==
            std::string_view::npos) {
      return false;
    }
    before = c;
  }
  return true;
}

// As in a message: "a b"@dom for a b@dom.
std::string quoted(std::string_view local) {
  if (is_plain_local(local)) return std::string(local);
  std::string out = "\"";
  for (char c : local) {
    if (c == '"' || c == '\\' || c == '\r') out += '\\';
    out += c;
  }
  out += '"';
  return out;
}

struct Parts {
  std::string_view local, domain;
  bool has_domain = false;
};

Parts parts_of(std::string_view address) {
  size_t at = address.rfind('@');
  if (at == address.npos) return {address, {}, false};
  return {address.substr(0, at), address.substr(at + 1), true};
}

// Both spellings of the local part: quoted first, and the plain one if it
// is another.
template <class Add>
void each_spelling(std::string_view local, Add add) {
  std::string external = quoted(local);
  add(external);
  if (external != local) add(std::string(local));
}

void add_plain(std::vector<Key>& keys, std::string text, KeyKind kind) {
  if (!text.empty()) keys.push_back({std::move(text), kind, {}});
}

void append(std::vector<Key>& keys, std::vector<Key> more) {
  for (Key& key : more) keys.push_back(std::move(key));
}

// user+ext@dom and user@dom.
void add_mailboxes(std::vector<Key>& keys, const Parts& parts,
                   std::string_view delimiters) {
  std::string at = parts.has_domain ? "@" + std::string(parts.domain) : "";
  add_plain(keys, std::string(parts.local) + at, KeyKind::Whole);
  SplitLocal split = split_extension(parts.local, delimiters);
  if (split.extension.empty()) return;
  add_plain(keys, std::string(split.user) + at, KeyKind::Partial);
}

}  // namespace

SplitLocal split_extension(std::string_view local,
                           std::string_view delimiters) {
  SplitLocal whole{local, {}};
  if (delimiters.empty()) return whole;
  for (std::string_view name : {"mailer-daemon", "double-bounce"}) {
    if (iequals(local, name)) return whole;
  }
  if (delimiters.find('-') != delimiters.npos) {
    if (istarts_with(local, "owner-")) return whole;
    if (iends_with(local, "-request")) return whole;
  }
  size_t at = local.find_first_of(delimiters);
  if (at == local.npos || at == 0) return whole;
  return {local.substr(0, at), local.substr(at)};
}

std::vector<Key> address_keys(std::string_view address,
                              const AddressOptions& options) {
  std::vector<Key> keys;
  Parts parts = parts_of(address);
  SplitLocal split = split_extension(parts.local, options.delimiters);
  std::string at = parts.has_domain ? "@" + std::string(parts.domain) : "";
  std::string extension(split.extension);
  auto add = [&](std::string text, KeyKind kind, std::string left_out) {
    if (text.empty()) return;
    keys.push_back({std::move(text), kind, std::move(left_out)});
  };
  each_spelling(parts.local, [&](const std::string& local) {
    add(local + at, KeyKind::Whole, "");
  });
  auto with_user = [&](std::string_view local, std::string_view tail,
                       const std::string& left_out) {
    each_spelling(local, [&](const std::string& text) {
      add(text + std::string(tail), KeyKind::Partial, left_out);
    });
  };
  if (!extension.empty()) with_user(split.user, at, extension);
  if (!parts.has_domain) return keys;
  if (options.is_local && options.is_local(parts.domain)) {
    with_user(parts.local, "", "");
    if (!extension.empty()) with_user(split.user, "", extension);
  }
  if (options.domain_key) add(at, KeyKind::Partial, extension);
  return keys;
}

std::vector<Key> domain_keys(std::string_view domain, Parents parents) {
  std::vector<Key> keys;
  add_plain(keys, std::string(domain), KeyKind::Whole);
  // A literal has no parents.
  if (domain.empty() || domain.front() == '[') return keys;
  std::string_view rest = domain;
  while (true) {
    size_t dot = rest.find('.', 1);
    if (dot == rest.npos || dot + 1 >= rest.size()) break;
    rest.remove_prefix(parents == Parents::Dotted ? dot : dot + 1);
    add_plain(keys, std::string(rest), KeyKind::Partial);
  }
  return keys;
}

std::vector<Key> client_address_keys(std::string_view address) {
  std::vector<Key> keys;
  char boundary = address.find(':') == address.npos ? '.' : ':';
  add_plain(keys, std::string(address), KeyKind::Whole);
  while (true) {
    size_t cut = address.rfind(boundary);
    if (cut == address.npos) break;
    address = address.substr(0, cut);
    while (!address.empty() && address.back() == boundary) {
      address.remove_suffix(1);  // 2001:db8::1 goes on as 2001:db8
    }
    add_plain(keys, std::string(address), KeyKind::Partial);
  }
  return keys;
}

std::vector<Key> access_address_keys(std::string_view address,
                                     std::string_view delimiters,
                                     Parents parents) {
  std::vector<Key> keys;
  Parts parts = parts_of(address);
  add_mailboxes(keys, parts, delimiters);
  auto domains = domain_keys(parts.domain, parents);
  for (Key& key : domains) key.kind = KeyKind::Partial;
  append(keys, std::move(domains));
  SplitLocal split = split_extension(parts.local, delimiters);
  add_plain(keys, std::string(parts.local) + "@", KeyKind::Partial);
  if (!split.extension.empty()) {
    add_plain(keys, std::string(split.user) + "@", KeyKind::Partial);
  }
  return keys;
}

std::vector<Key> transport_keys(std::string_view address,
                                std::string_view delimiters, Parents parents) {
  std::vector<Key> keys;
  Parts parts = parts_of(address);
  add_mailboxes(keys, parts, delimiters);
  auto domains = domain_keys(parts.domain, parents);
  for (Key& key : domains) key.kind = KeyKind::Partial;
  append(keys, std::move(domains));
  return keys;
}

std::vector<Key> mailbox_keys(std::string_view address,
                              std::string_view delimiters) {
  std::vector<Key> keys;
  Parts parts = parts_of(address);
  add_mailboxes(keys, parts, delimiters);
  if (parts.has_domain) {
    add_plain(keys, "@" + std::string(parts.domain), KeyKind::Partial);
  }
  return keys;
}

}  // namespace mail::maps
