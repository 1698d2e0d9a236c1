#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace mail::dkim {

/// Which header fields are signed (SignHeaders, OmitHeaders of
/// opendkim.conf(5); the default is RFC 6376, 5.4.1's advice).
class HeaderChoice {
 public:
  /// Lists as configured; nullptr: the default. One that holds "*" is the
  /// default with "+name" and "-name" applied. Names may hold "*" and are
  /// compared without case. From is always chosen unless omitted.
  HeaderChoice(const std::vector<std::string>* sign,
               const std::vector<std::string>* omit);

  bool signs(std::string_view name) const;

 private:
  struct Names {
    std::unordered_set<std::string> exact;  // lower case
    std::vector<std::string> patterns;
    void add(std::string_view name);
    bool match(const std::string& name) const;
  };
  static Names read(const std::vector<std::string>* list,
                    const std::vector<std::string>& defaults);
  Names sign_, omit_;
};

}  // namespace mail::dkim
