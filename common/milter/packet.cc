#include "common/milter/packet.h"

namespace mail::milter {

void append_number(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift & 0xFF);
  }
}

void append_text(std::string& out, std::string_view text) {
  out += text.substr(0, text.find('\0'));
  out += '\0';
}

void append_packet(std::string& out, char code, std::string_view data) {
  append_number(out, static_cast<uint32_t>(data.size() + 1));
  out += code;
  out += data;
}

Result<std::optional<Packet>> take_packet(std::string_view& bytes) {
  if (bytes.size() < 4) return std::optional<Packet>();
  uint32_t length = *Fields(bytes).number();
  if (length < 1) return fail(Fault::Protocol, "bad packet length");
  if (length > kPacketLimit) {
    return fail(Fault::Protocol, "unreasonable packet length");
  }
  if (bytes.size() - 4 < length) return std::optional<Packet>();
  Packet packet{bytes[4], std::string(bytes.substr(5, length - 1))};
  bytes.remove_prefix(4 + length);
  return std::optional<Packet>(std::move(packet));
}

std::optional<uint32_t> Fields::number() {
  if (rest_.size() < 4) return std::nullopt;
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<unsigned char>(rest_[i]);
  }
  rest_.remove_prefix(4);
  return value;
}

std::optional<std::string> Fields::text() {
  if (rest_.empty()) return std::nullopt;
  size_t end = rest_.find('\0');
  std::string out(rest_.substr(0, end));
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  return out;
}

}  // namespace mail::milter
