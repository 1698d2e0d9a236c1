#pragma once

#include <cstdint>
#include <string_view>

/// What a fuzz target reads: bytes from the front, and the rest as text.
class Input {
 public:
  Input(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}
  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }
  /// The next byte, 0 at the end.
  unsigned byte() {
    return rest_.empty() ? 0 : static_cast<unsigned char>(take(1)[0]);
  }
  /// The next `size` bytes, as far as there are.
  std::string_view take(size_t size) {
    std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(out.size());
    return out;
  }
  /// Up to the next newline, which is left out.
  std::string_view line() {
    std::string_view out = take(rest_.find('\n'));
    take(1);
    return out;
  }

 private:
  std::string_view rest_;
};

/// Ends the program when what must hold does not.
inline void must(bool holds) {
  if (!holds) __builtin_trap();
}
