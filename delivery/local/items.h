#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mail::local {

/// One destination of aliases(5), a .forward or an :include: file.
struct Item {
  enum class Kind { Address, Command, File, Include };
  Kind kind = Kind::Address;
  /// Address: external form. Command: without "|". Include: without
  /// ":include:".
  std::string text;
  friend bool operator==(const Item&, const Item&) = default;
};

/// A comma-separated list: `a, "|cmd arg", /file, :include:/list, b@c`.
/// "~/" at the front of a file is `home` if that is known.
std::vector<Item> parse_items(std::string_view text, std::string_view home);
/// The same of each line of a file; lines that begin with "#" are comments.
std::vector<Item> parse_lines(std::string_view text, std::string_view home);

}  // namespace mail::local
