#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/maps/tables.h"

namespace mail::maps {

/// Orders of lookup keys: canonical(5), virtual(5), transport(5), access(5).
/// All are pure; give the result to Tables::find_first().

/// The local part without its extension, and the extension with its
/// delimiter ("+ext"), empty if there is none.
struct SplitLocal {
  std::string_view user, extension;
};
/// delimiters: recipient_delimiter, a set; the first of them in the name
/// counts. mailer-daemon, double-bounce, owner-X and X-request ('-') are whole.
SplitLocal split_extension(std::string_view local, std::string_view delimiters);

using AddressKey = Key;

struct AddressOptions {
  std::string_view delimiters;  ///< recipient_delimiter
  /// $myorigin, mydestination or own [ip]: `user` alone is looked up too.
  /// Asked with a domain. Empty: no.
  std::function<bool(std::string_view domain)> is_local;
  bool domain_key = true;  ///< "@domain" at the end
};
/// address: internal (unquoted) form. user+ext@dom, user@dom, user+ext, user,
/// @dom; the quoted form before each if it differs.
std::vector<Key> address_keys(std::string_view address,
                              const AddressOptions& options);

/// How parents of a domain are written: "example.com" or ".example.com".
enum class Parents { Plain, Dotted };

/// domain, then its parents.
std::vector<Key> domain_keys(std::string_view domain, Parents parents);
/// An IP address, then shorter at '.' or ':'.
std::vector<Key> client_address_keys(std::string_view address);
/// access(5) for an address: user+ext@dom, user@dom, dom, parents, user+ext@,
/// user@.
std::vector<Key> access_address_keys(std::string_view address,
                                     std::string_view delimiters,
                                     Parents parents);
/// transport(5): user+ext@dom, user@dom, dom, parents. Without "*", which
/// callers may keep for 30 s.
std::vector<Key> transport_keys(std::string_view address,
                                std::string_view delimiters, Parents parents);
/// virtual_mailbox_maps and ids in virtual(8): user+ext@dom, user@dom, @dom.
std::vector<Key> mailbox_keys(std::string_view address,
                              std::string_view delimiters);

}  // namespace mail::maps
