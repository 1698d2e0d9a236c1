#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace mail::milter {

/// The milter protocol on the wire: length(4, big-endian) code(1) data.
/// Strings end in NUL, integers are big-endian.
struct Packet {
  char code = 0;
  std::string data;
};

/// What a filter may send at the most (as libmilter allows).
inline constexpr size_t kPacketLimit = 64 << 20;
/// Body bytes in one B packet.
inline constexpr size_t kChunkSize = 65535;

void append_packet(std::string& out, char code, std::string_view data);
void append_number(std::string& out, uint32_t value);
void append_text(std::string& out, std::string_view text);  // with its NUL

/// Takes the first whole packet off `bytes`; nullopt: more bytes are needed.
/// Errors: Protocol "bad packet length", "unreasonable packet length".
Result<std::optional<Packet>> take_packet(std::string_view& bytes);

/// Reads a packet's data front to back; nothing is taken past the end.
class Fields {
 public:
  explicit Fields(std::string_view data) : rest_(data) {}
  std::optional<uint32_t> number();
  /// Up to the next NUL (or the end, as some filters leave it out).
  std::optional<std::string> text();
  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace mail::milter
