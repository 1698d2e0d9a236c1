#include "common/mailbox/index_format.h"

#include <algorithm>
#include <cstring>

#include "common/base/ascii.h"
#include "common/base/hash.h"
#include "common/base/varint.h"

namespace mail::mailbox {

namespace {

// Another number: what older programs have written is not read. It changes
// with these formats, and with what any computed value means.
constexpr uint32_t kVersion = 2;

enum Known : uint8_t {
  kInNew = 1,
  kOdd = 2,
  kVirtual = 4,
  kInternal = 8,
  kSaved = 16
};

uint16_t short_check(std::string_view bytes) {
  return static_cast<uint16_t>(hash64(bytes));
}

struct PackedHeader {
  uint64_t highest_modseq, history_floor, writes, virtual_size;
  Stamp stamps[3];
  uint32_t version, uidvalidity, uidnext, first_recent;
  uint32_t messages, unseen, recent, check;
  char guid[32];
};

/// `bytes` begin with a header; counted as if its check were 0.
uint32_t header_check(std::string bytes) {
  memset(bytes.data() + offsetof(PackedHeader, check), 0, sizeof(uint32_t));
  return static_cast<uint32_t>(hash64(bytes));
}

}  // namespace

std::string pack_record(const Record& record, std::string_view odd) {
  uint8_t known = static_cast<uint8_t>((record.in_new ? kInNew : 0) |
                                       (record.odd_info ? kOdd : 0));
  if (record.virtual_size != Record::kUnknown) known |= kVirtual;
  if (record.internal_date != Record::kNoDate) known |= kInternal;
  if (record.save_date != Record::kNoDate) known |= kSaved;
  std::string out(sizeof(uint16_t), 0);
  out.reserve(48 + record.name.size() + odd.size());
  out += static_cast<char>(known);
  out += static_cast<char>(record.flags);
  put_varint(out, record.keywords);
  put_varint(out, record.modseq);
  put_varint(out, record.size + 1);
  put_varint(out, record.offset);
  put_varint(out, record.name.size());
  if (known & kVirtual) {
    put_varint(out, fold_sign(static_cast<int64_t>(record.virtual_size -
                                                   record.size)));
  }
  auto internal = static_cast<uint64_t>(record.internal_date);
  if (known & kInternal) put_varint(out, fold_sign(record.internal_date));
  if (known & kSaved) {
    auto less = static_cast<uint64_t>(record.save_date) -
                (known & kInternal ? internal : 0);
    put_varint(out, fold_sign(static_cast<int64_t>(less)));
  }
  out += record.name;
  out += odd;
  uint16_t check = short_check(std::string_view(out).substr(sizeof check));
  memcpy(out.data(), &check, sizeof check);
  return out;
}

bool unpack_record(std::string_view bytes, Record& out, std::string_view& odd) {
  uint16_t check = 0;
  if (bytes.size() < sizeof check + 2) return false;
  memcpy(&check, bytes.data(), sizeof check);
  bytes.remove_prefix(sizeof check);
  if (check != short_check(bytes)) return false;
  auto known = static_cast<uint8_t>(bytes[0]);
  out.in_new = known & kInNew;
  out.odd_info = known & kOdd;
  out.flags = static_cast<uint8_t>(bytes[1]);
  bytes.remove_prefix(2);
  bool good = true;
  auto number = [&] {
    auto value = take_varint(bytes);
    good = good && value;
    return value.value_or(0);
  };
  out.keywords = number();
  out.modseq = number();
  out.size = number() - 1;
  out.offset = number();
  uint64_t name_size = number();
  out.virtual_size = Record::kUnknown;
  out.internal_date = out.save_date = Record::kNoDate;
  if (known & kVirtual) {
    out.virtual_size = out.size + static_cast<uint64_t>(unfold_sign(number()));
  }
  uint64_t base = 0;
  if (known & kInternal) {
    out.internal_date = unfold_sign(number());
    base = static_cast<uint64_t>(out.internal_date);
  }
  if (known & kSaved) {
    out.save_date = static_cast<int64_t>(
        base + static_cast<uint64_t>(unfold_sign(number())));
  }
  if (!good || name_size > bytes.size()) return false;
  out.name = bytes.substr(0, name_size);
  odd = bytes.substr(name_size);
  return true;
}

std::string pack_header(const IndexHeader& header) {
  PackedHeader packed{};
  packed.version = kVersion;
  packed.highest_modseq = header.highest_modseq;
  packed.history_floor = header.history_floor;
  packed.writes = header.writes;
  packed.virtual_size = header.virtual_size;
  for (int i = 0; i < 3; ++i) packed.stamps[i] = header.stamps[i];
  packed.uidvalidity = header.uidvalidity;
  packed.uidnext = header.uidnext;
  packed.first_recent = header.first_recent;
  packed.messages = header.messages;
  packed.unseen = header.unseen;
  packed.recent = header.recent;
  memcpy(packed.guid, header.guid.data(),
         std::min(header.guid.size(), sizeof packed.guid));
  std::string out(reinterpret_cast<const char*>(&packed), sizeof packed);
  out += join(header.keywords, "\n");
  uint32_t check = header_check(out);
  memcpy(out.data() + offsetof(PackedHeader, check), &check, sizeof check);
  return out;
}

bool unpack_header(std::string_view bytes, IndexHeader& out) {
  PackedHeader packed;
  if (bytes.size() < sizeof packed) return false;
  memcpy(&packed, bytes.data(), sizeof packed);
  if (packed.version != kVersion) return false;
  if (packed.check != header_check(std::string(bytes))) return false;
  bytes.remove_prefix(sizeof packed);
  out.highest_modseq = packed.highest_modseq;
  out.history_floor = packed.history_floor;
  out.writes = packed.writes;
  out.virtual_size = packed.virtual_size;
  for (int i = 0; i < 3; ++i) out.stamps[i] = packed.stamps[i];
  out.uidvalidity = packed.uidvalidity;
  out.uidnext = packed.uidnext;
  out.first_recent = packed.first_recent;
  out.messages = packed.messages;
  out.unseen = packed.unseen;
  out.recent = packed.recent;
  out.guid.assign(packed.guid, strnlen(packed.guid, sizeof packed.guid));
  out.keywords.clear();
  if (!bytes.empty()) {
    for (std::string_view name : split_exact(bytes, '\n')) {
      out.keywords.emplace_back(name);
    }
  }
  return true;
}

}  // namespace mail::mailbox
