#pragma once

#include <string>
#include <string_view>

namespace mail::crypto {

/// Overwrites `bytes`; not optimised away.
void wipe(std::string& bytes);

/// A password or key: never copied, wiped when it goes, never printed.
class Secret {
 public:
  Secret() = default;
  /// Takes the bytes over. Give the only copy.
  explicit Secret(std::string&& bytes) : bytes_(std::move(bytes)) {}
  Secret(Secret&& other) noexcept { take(other); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(bytes_); }

  /// For the one call that needs the bytes; do not keep.
  std::string_view reveal() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  size_t size() const { return bytes_.size(); }

 private:
  // A moved short string leaves its bytes behind, so no plain move.
  void take(Secret& other) {
    wipe(bytes_);
    bytes_.swap(other.bytes_);
    wipe(other.bytes_);
  }
  std::string bytes_;
};

/// Takes as long for any content of equal size.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace mail::crypto
