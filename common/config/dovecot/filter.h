#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mail::config::dovecot {

struct Context;

/// "10.0.0.0/8", "::1"; 4 or 16 bytes in network order.
struct Network {
  std::string bytes;  ///< empty: any address
  unsigned bits = 0;

  /// nullptr-like (bytes empty) if `text` is no address or network.
  static Network parse(std::string_view text);
  bool contains(const Network& inner) const;
  /// As doveconf prints it: no "/32" and "/128".
  std::string text() const;
};

/// protocol, local_name, local, remote around a block of settings.
struct Filter {
  std::string service;     ///< "imap", "!imap"; empty: any
  std::string local_name;  ///< "*.example.org", several with blanks
  Network local, remote;

  bool empty() const {
    return service.empty() && local_name.empty() && local.bytes.empty() &&
           remote.bytes.empty();
  }
  bool matches(const Context& context) const;
  /// False: the service alone rules the context out, whatever the rest.
  bool service_may_match(const Context& context) const;
  /// Least specific first: the order of application and of doveconf.
  static bool less_specific(const Filter& a, const Filter& b);
  friend bool operator==(const Filter& a, const Filter& b);
};

/// local_name matches: exact, or '*' for one whole label, '?' one character.
bool local_name_matches(std::string_view pattern, std::string_view name);

}  // namespace mail::config::dovecot
