#include "common/queue/queue_id.h"

#include <fmt/core.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::queue {
namespace {

// No vowels, so that no id spells a word.
constexpr std::string_view kAlphabet =
    "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
constexpr size_t kSecPlaces = 6, kUsecPlaces = 4;
constexpr size_t kShortUsecPlaces = 5;

std::string encode(uint64_t value, unsigned base, size_t places) {
  std::string out;
  do {
    out += kAlphabet[value % base];
    value /= base;
  } while (value != 0);
  while (out.size() < places) out += kAlphabet[0];
  std::ranges::reverse(out);
  return out;
}

Result<uint64_t> decode(std::string_view text, unsigned base) {
  uint64_t value = 0;
  for (char c : text) {
    size_t digit = kAlphabet.find(c);
    if (digit >= base || value > (UINT64_MAX - digit) / base) {
      return fail(Fault::Protocol, "bad queue id");
    }
    value = value * base + digit;
  }
  if (text.empty()) return fail(Fault::Protocol, "bad queue id");
  return value;
}

}  // namespace

QueueId QueueId::make(IdForm form, long sec, long usec, uint64_t inode) {
  auto micros = static_cast<uint64_t>(usec);
  if (form == IdForm::Short) {
    return QueueId(fmt::format("{:05X}{:X}", micros, inode));
  }
  return QueueId(encode(static_cast<uint64_t>(sec), 52, kSecPlaces) +
                 encode(micros, 52, kUsecPlaces) + 'z' + encode(inode, 51, 1));
}

bool QueueId::valid(std::string_view text) {
  return !text.empty() && text.size() <= 255 &&
         std::ranges::all_of(text,
                             [](char c) { return is_alnum(c) || c == '_'; });
}

Result<QueueId> QueueId::parse(std::string_view text) {
  if (!valid(text)) {
    return fail(Fault::Protocol,
                fmt::format("bad queue id \"{}\"", text.substr(0, 255)));
  }
  return QueueId(std::string(text));
}

IdForm id_form(std::string_view id) {
  size_t z = id.rfind('z');
  return z != std::string_view::npos && z >= kSecPlaces + kUsecPlaces
             ? IdForm::Long
             : IdForm::Short;
}

std::string hash_text(std::string_view id) {
  if (id_form(id) == IdForm::Long) {
    size_t z = id.rfind('z');
    auto usec = decode(id.substr(z - kUsecPlaces, kUsecPlaces), 52);
    if (usec) return fmt::format("{:05X}", *usec);
  }
  return std::string(id);
}

Result<uint64_t> claimed_inode(std::string_view id) {
  if (id_form(id) == IdForm::Long) {
    return decode(id.substr(id.rfind('z') + 1), 51);
  }
  if (id.size() <= kShortUsecPlaces) {
    return fail(Fault::Protocol, "bad queue id");
  }
  auto inode = parse_number<uint64_t>(id.substr(kShortUsecPlaces), 16);
  if (!inode) return fail(Fault::Protocol, "bad queue id");
  return *inode;
}

Result<QueueId> with_inode(std::string_view id, uint64_t inode) {
  if (!QueueId::valid(id)) return fail(Fault::Protocol, "bad queue id");
  if (id_form(id) == IdForm::Long) {
    return QueueId::parse(std::string(id.substr(0, id.rfind('z') + 1)) +
                          encode(inode, 51, 1));
  }
  if (id.size() < kShortUsecPlaces) {
    return fail(Fault::Protocol, "bad queue id");
  }
  return QueueId::parse(
      fmt::format("{}{:X}", id.substr(0, kShortUsecPlaces), inode));
}

}  // namespace mail::queue
