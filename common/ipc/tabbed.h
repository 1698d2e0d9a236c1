#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::ipc {

// Dovecot's lines between processes: LF-terminated, fields separated by TAB,
// values escaped: \001 followed by 0 (NUL), 1 (\001), t (TAB), n (LF), r (CR).

std::string tab_escape(std::string_view value);
/// A \001 before anything else drops out; at the end of the text too.
std::string tab_unescape(std::string_view text);
/// The pieces of one line without its LF, still escaped; views into `line`.
std::vector<std::string_view> tab_split(std::string_view line);

/// "name=value", or a bare "name" (no value: not the same as an empty one).
struct TabField {
  std::string name;
  std::optional<std::string> value;
  friend bool operator==(const TabField&, const TabField&) = default;
};

/// Named fields in the order in which they were first set. A handful: found by
/// walking.
class TabFields {
 public:
  /// Replaces the value in place, or appends.
  void set(std::string_view name, std::string_view value);
  void set(std::string_view name);  ///< bare
  void remove(std::string_view name);

  const TabField* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// The value; "" for a bare field and for one that is not there.
  std::string_view get(std::string_view name) const;
  const std::vector<TabField>& all() const { return fields_; }
  bool empty() const { return fields_.empty(); }
  void clear() { fields_.clear(); }

  /// "name=value" or "name" of an escaped piece.
  void parse(std::string_view piece);
  /// TAB in front of each.
  std::string encode() const;

  friend bool operator==(const TabFields&, const TabFields&) = default;

 private:
  std::vector<TabField> fields_;
};

/// The fields of pieces[from...].
TabFields tab_fields(const std::vector<std::string_view>& pieces, size_t from);

}  // namespace mail::ipc
