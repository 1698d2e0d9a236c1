#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mail::dkim {

/// One header field of a message.
struct Field {
  std::string name;   ///< as written
  std::string value;  ///< all after the colon; folds are CRLF and blanks
};

/// The header fields of one message, in its order, and the way by which h=
/// chooses among them (RFC 6376, 5.4.2).
class HeaderBlock {
 public:
  /// value: all after the colon; a bare LF becomes CRLF. No final line end.
  void add(std::string_view name, std::string_view value);
  void clear();

  const std::vector<Field>& fields() const { return fields_; }
  /// Indices of all fields of this name, any case, top first.
  const std::vector<size_t>& find(std::string_view name) const;
  /// The first field's value, without blanks around; nullptr: none.
  const Field* first(std::string_view name) const;
  /// The indices that a list of names stands for: of each name the last
  /// instance not yet taken; names without one left stand for nothing.
  std::vector<size_t> select(const std::vector<std::string>& names) const;

 private:
  std::vector<Field> fields_;
  std::unordered_map<std::string, std::vector<size_t>> by_name_;
};

}  // namespace mail::dkim
