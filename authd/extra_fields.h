#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mail::authd {

/// What databases say of a user beside the password, in the order in which it
/// was first said. Hidden fields are not shown to clients.
class ExtraFields {
 public:
  struct Field {
    std::string name, value;
    bool hidden = false;
  };
  void set(std::string_view name, std::string_view value, bool hidden = false);
  void remove(std::string_view name);
  const Field* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::string_view get(std::string_view name) const;
  const std::vector<Field>& all() const { return fields_; }
  bool empty() const { return fields_.empty(); }

  /// TAB, then the visible fields with TABs between; "" if there is no field
  /// at all. An empty value is a bare name. `bare`: names that are always.
  std::string encode(const std::vector<std::string_view>& bare = {}) const;

 private:
  std::vector<Field> fields_;
};

}  // namespace mail::authd
