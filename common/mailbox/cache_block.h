#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mail::mailbox {

/// The computed values of one field for messages whose uids stand together:
/// in the index each block is one value, so that a walk over a mailbox asks
/// it once for 64 messages.
///   4 bytes  hash of what follows
///   then for each message: slot (1 byte), size (varint), value
class CacheBlock {
 public:
  static constexpr uint32_t kMessages = 64;
  static uint32_t number_of(uint32_t uid) { return uid / kMessages; }

  CacheBlock() = default;
  /// As bytes() gave it; empty when that was damaged.
  explicit CacheBlock(std::string_view bytes);

  /// The view is valid until the block changes or moves.
  std::optional<std::string_view> get(uint32_t uid) const;
  void put(uint32_t uid, std::string_view value);
  /// What `other` has and this one has not, of uids that are `wanted`.
  void take_missing(const CacheBlock& other, uint32_t number,
                    const std::function<bool(uint32_t uid)>& wanted);
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  std::string bytes() const;

 private:
  struct Place {
    uint32_t at = 0, size = 0;
    bool known = false;
  };
  std::string entries_;
  std::array<Place, kMessages> places_{};
};

}  // namespace mail::mailbox
