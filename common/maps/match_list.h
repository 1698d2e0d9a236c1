#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/maps/tables.h"
#include "common/net/address.h"

namespace mail::maps {

/// What a pattern without a table means.
enum class ListKind {
  String,   ///< equal, but for case (mydestination, virtual_*_domains)
  Domain,   ///< a host or a domain (relay_domains, debug_peer_list)
  Network,  ///< host name or address, networks too (mynetworks)
};

/// A parsed list of patterns: text, !not, /file, type:table, 192.0.2.0/24,
/// [2001:db8::]/32. Parsed once; matching strings and addresses is a hash
/// lookup or a comparison of bits each. Case is ignored.
class MatchList {
 public:
  struct Options {
    ListKind kind = ListKind::String;
    /// The list is in parent_domain_matches_subdomains: "example.com" matches
    /// its subdomains. Else ".example.com" does. (Domain, Network)
    bool parents_match = false;
    OpenOptions tables;
  };

  MatchList();  ///< matches nothing
  MatchList(MatchList&&) noexcept;
  MatchList& operator=(MatchList&&) noexcept;
  ~MatchList();

  /// title: the parameter's name. Reads /files now; what cannot be read or
  /// parsed makes each lookup that gets so far fail, with a warning.
  /// Warns of `non-null host address bits in "X", perhaps you should use "Y"`.
  static MatchList open(std::string title, std::string_view value,
                        Options options);

  /// Has a file, a table or a pattern of the kinds above.
  bool empty() const;
  /// No remote table: match_now() answers always.
  bool local() const;

  using Verdict = Result<bool>;
  /// String and Domain lists. nullopt: a remote table must be asked.
  std::optional<Verdict> match_now(std::string_view name);
  net::Task<Verdict> match(std::string name);
  /// Network lists: a host name ("unknown" if none) and its address.
  std::optional<Verdict> match_now(std::string_view name,
                                   std::string_view address);
  net::Task<Verdict> match(std::string name, std::string address);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mail::maps
