#include "master/log/line.h"

#include <cstdint>
#include <cstring>

#include "common/base/number.h"

namespace mail::logd {

namespace {

constexpr uint32_t kMagic = 0x02ff03fe;
constexpr uint32_t kPrefixLimit = 1024;
constexpr int kHasPrefix = 0x40, kNoPrefix = 0x80;

/// A decimal number and the blank behind it, taken off; nullopt: none.
std::optional<int> take_number(std::string_view& text) {
  size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  auto number = parse_number<int>(text.substr(0, blank));
  if (number) text.remove_prefix(blank + 1);
  return number;
}

}  // namespace

Line parse_line(std::string_view line) {
  Line out;
  out.text = line;
  if (line.size() < 3 || line[0] != '\x01') return out;
  int type = static_cast<unsigned char>(line[1]);
  std::string_view rest = line.substr(2);
  auto pid = take_number(rest);
  if (!pid || *pid <= 0) return out;
  std::string_view prefix;
  if ((type & kHasPrefix) != 0) {
    auto size = take_number(rest);
    if (!size || *size < 0 || static_cast<size_t>(*size) > rest.size()) {
      return out;
    }
    prefix = rest.substr(0, static_cast<size_t>(*size));
    rest.remove_prefix(prefix.size());
  }
  int number = (type & ~(kHasPrefix | kNoPrefix)) - 1;
  if (number < 0 || number > 7 || number == 6) return out;
  out.type = number;
  out.pid = *pid;
  out.own_prefix = (type & kHasPrefix) != 0;
  out.no_prefix = (type & kNoPrefix) != 0;
  out.prefix = prefix;
  out.text = rest;
  return out;
}

std::optional<Control> parse_control(std::string_view line) {
  Control out;
  auto fd = take_number(line);
  if (!fd) return std::nullopt;
  auto pid = take_number(line);
  if (!pid) return std::nullopt;
  out.fd = *fd;
  out.pid = *pid;
  size_t blank = line.find(' ');
  out.command = line.substr(0, blank);
  out.text = blank == std::string_view::npos ? "" : line.substr(blank + 1);
  return out;
}

std::string write_handshake(std::string_view prefix) {
  uint32_t head[2] = {kMagic, static_cast<uint32_t>(prefix.size())};
  std::string out(reinterpret_cast<const char*>(head), sizeof head);
  out += prefix;
  return out;
}

std::optional<std::string> take_handshake(std::string_view& bytes) {
  uint32_t head[2];
  if (bytes.size() < sizeof head) return std::nullopt;
  memcpy(head, bytes.data(), sizeof head);
  if (head[0] != kMagic || head[1] > kPrefixLimit ||
      bytes.size() < sizeof head + head[1]) {
    return std::nullopt;
  }
  std::string prefix(bytes.substr(sizeof head, head[1]));
  bytes.remove_prefix(sizeof head + head[1]);
  return prefix;
}

}  // namespace mail::logd
