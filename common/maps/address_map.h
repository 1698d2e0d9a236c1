#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/maps/tables.h"

namespace mail::maps {

/// How an address is replaced by what a table says of it: canonical(5),
/// virtual(5), generic(5). Addresses are in internal form.
struct AddressMapping {
  std::string_view delimiters;  ///< recipient_delimiter
  /// An extension that was no part of the key is added to the result.
  bool propagate = false;
  /// mydestination, $myorigin: `user` alone is looked up too. Errors:
  /// Temporary.
  std::function<net::Task<Result<bool>>(std::string domain)> is_local;
  /// trivial-rewrite's standard form, local context. Errors: Temporary.
  std::function<net::Task<Result<std::string>>(std::string address)> complete;
};

struct MappedAddress {
  bool found = false;
  std::vector<std::string> addresses;  ///< "" is the null address
};

/// One lookup, all keys in their order; not recursive. A result "@domain"
/// takes the address's own local part.
/// Errors: Temporary, "TITLE map lookup problem for ADDRESS": a table failed
/// or names no address (a warning says so); those of `complete`.
net::Task<Result<MappedAddress>> map_address(Tables& tables,
                                             std::string address,
                                             const AddressMapping& mapping);

}  // namespace mail::maps
