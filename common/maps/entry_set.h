#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mail::maps {

/// The entries of a database to be, in one block of memory each key once.
class EntrySet {
 public:
  struct Entry {
    std::string_view key, value;
  };
  size_t size() const { return entries_.size(); }
  size_t bytes() const { return bytes_.size(); }
  Entry at(size_t index) const;
  /// Makes room for what a source text of so many bytes is likely to hold.
  void expect(size_t bytes);

  /// False: the key is there; its value is replaced if `replace`.
  bool add(std::string_view key, std::string_view value, bool replace);
  /// Indexes in the order of keys, byte by byte.
  std::vector<uint32_t> sorted() const;

 private:
  struct Place {
    uint64_t offset = 0;  // of the key
    uint64_t value_offset = 0;
    uint32_t key_size = 0, value_size = 0;
    uint32_t hash = 0;
  };
  void grow();
  std::string bytes_;
  std::vector<Place> entries_;
  std::vector<uint32_t> slots_;  // index + 1; 0 is free
};

}  // namespace mail::maps
