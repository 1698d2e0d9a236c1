#include "common/mailbox/index.h"

#include <fmt/format.h>

#include <cstring>

#include "common/base/ascii.h"

namespace mail::mailbox {

namespace {

// Another number: what older programs have written is not read.
constexpr uint32_t kVersion = 1;
// LMDB's keys are at most 511 bytes.
constexpr size_t kMaxPath = 480, kMaxField = 400;

void append(std::string& out, uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += static_cast<char>(number >> shift);
  }
}
void append(std::string& out, uint64_t number) {
  append(out, static_cast<uint32_t>(number >> 32));
  append(out, static_cast<uint32_t>(number));
}
uint32_t number_at(std::string_view text, size_t at) {
  uint32_t out = 0;
  for (size_t i = 0; i < 4; ++i) {
    out = out << 8 | static_cast<unsigned char>(text[at + i]);
  }
  return out;
}

struct PackedRecord {
  uint64_t keywords, modseq, size, virtual_size, offset;
  int64_t internal_date, save_date;
  uint32_t uid;
  uint16_t name_size;
  uint8_t flags, bits;  // bits: 1 in_new, 2 odd_info
};

std::string pack(const Record& record, std::string_view odd) {
  PackedRecord packed{};
  packed.keywords = record.keywords;
  packed.modseq = record.modseq;
  packed.size = record.size;
  packed.virtual_size = record.virtual_size;
  packed.offset = record.offset;
  packed.internal_date = record.internal_date;
  packed.save_date = record.save_date;
  packed.uid = record.uid;
  packed.name_size = static_cast<uint16_t>(record.name.size());
  packed.flags = record.flags;
  packed.bits =
      static_cast<uint8_t>((record.in_new ? 1 : 0) | (record.odd_info ? 2 : 0));
  std::string out(reinterpret_cast<const char*>(&packed), sizeof packed);
  out += record.name;
  out += odd;
  return out;
}

bool unpack(std::string_view bytes, Record& out, std::string_view& odd) {
  PackedRecord packed;
  if (bytes.size() < sizeof packed) return false;
  memcpy(&packed, bytes.data(), sizeof packed);
  bytes.remove_prefix(sizeof packed);
  if (bytes.size() < packed.name_size) return false;
  out.uid = packed.uid;
  out.flags = packed.flags;
  out.in_new = packed.bits & 1;
  out.odd_info = packed.bits & 2;
  out.keywords = packed.keywords;
  out.modseq = packed.modseq;
  out.size = packed.size;
  out.virtual_size = packed.virtual_size;
  out.internal_date = packed.internal_date;
  out.save_date = packed.save_date;
  out.offset = packed.offset;
  out.name = bytes.substr(0, packed.name_size);
  odd = bytes.substr(packed.name_size);
  return true;
}

struct PackedHeader {
  uint64_t highest_modseq, history_floor, writes, virtual_size;
  Stamp stamps[3];
  uint32_t version, uidvalidity, uidnext, first_recent;
  uint32_t messages, unseen, recent, unused;
  char guid[32];
};

std::string pack(const IndexHeader& header) {
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
  return out;
}

bool unpack(std::string_view bytes, IndexHeader& out) {
  PackedHeader packed;
  if (bytes.size() < sizeof packed) return false;
  memcpy(&packed, bytes.data(), sizeof packed);
  bytes.remove_prefix(sizeof packed);
  if (packed.version != kVersion) return false;
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

std::string name_key(const std::string& path) {
  std::string out(4, 0);
  out += 'n';
  out += path;
  return out;
}

}  // namespace

Index::Index(std::shared_ptr<IndexFile> file, std::string path)
    : file_(std::move(file)),
      path_(std::move(path)),
      generation_(file_->generation()) {}

std::string Index::key(char kind) const {
  std::string out;
  append(out, box_);
  out += kind;
  return out;
}

std::string Index::key(char kind, uint32_t uid) const {
  std::string out = key(kind);
  append(out, uid);
  return out;
}

bool Index::find_box(IndexFile::Transaction& transaction, bool make) {
  if (box_ != 0) return true;
  if (path_.size() > kMaxPath) return false;
  std::string name = name_key(path_);
  if (auto number = transaction.get(name); number && number->size() == 4) {
    box_ = number_at(*number, 0);
    return box_ != 0;
  }
  if (!make) return false;
  std::string last_key(4, 0);
  last_key += 'i';
  auto last = transaction.get(last_key);
  uint32_t next = last && last->size() == 4 ? number_at(*last, 0) + 1 : 1;
  std::string value;
  append(value, next);
  if (!transaction.put(last_key, value) || !transaction.put(name, value)) {
    return false;
  }
  box_ = next;
  return true;
}

bool Index::header(IndexHeader& out) {
  bool found = false;
  file_->read([&](IndexFile::Transaction& transaction) {
    if (!find_box(transaction, /*make=*/false)) return;
    auto value = transaction.get(key('h'));
    found = value && unpack(*value, out);
  });
  return found;
}

bool Index::load(const Each& each, std::vector<Expunged>& expunged) {
  bool whole = true;
  bool read = file_->read([&](IndexFile::Transaction& transaction) {
    if (!find_box(transaction, /*make=*/false)) {
      whole = false;
      return;
    }
    seen_write_ = file_->last_write();
    transaction.walk(key('r'), [&](std::string_view, std::string_view value) {
      Record record;
      std::string_view odd;
      whole = unpack(value, record, odd);
      if (whole) each(record, odd);
      return whole;
    });
    Writer writer(*this, transaction);
    expunged = writer.expunged_after(0);
  });
  return read && whole;
}

void Index::look(const std::function<void(Writer&)>& work) {
  file_->read([&](IndexFile::Transaction& transaction) {
    if (!find_box(transaction, /*make=*/false)) return;
    seen_write_ = transaction.id();
    Writer writer(*this, transaction);
    work(writer);
  });
}

bool Index::maybe_changed() const { return file_->last_write() != seen_write_; }

bool Index::renewed() {
  if (!file_->renew()) return false;
  if (generation_ == file_->generation()) return false;
  generation_ = file_->generation();
  box_ = 0;
  return true;
}

bool Index::write(const std::function<void(Writer&)>& work) {
  bool found = true;
  uint32_t box = box_;
  bool done = file_->write([&](IndexFile::Transaction& transaction) {
    found = find_box(transaction, /*make=*/true);
    if (!found) return;
    Writer writer(*this, transaction);
    work(writer);
  });
  if (!done || !found) {
    box_ = box;
    return false;
  }
  seen_write_ = file_->last_write();
  return true;
}

bool Index::Writer::header(IndexHeader& out) {
  auto value = transaction_.get(index_.key('h'));
  return value && unpack(*value, out);
}

void Index::Writer::walk(const Each& each) {
  transaction_.walk(index_.key('r'),
                    [&](std::string_view, std::string_view value) {
                      Record record;
                      std::string_view odd;
                      if (unpack(value, record, odd)) each(record, odd);
                      return true;
                    });
}

std::vector<Index::Expunged> Index::Writer::expunged_after(uint64_t modseq) {
  std::vector<Expunged> out;
  transaction_.walk(
      index_.key('x'), [&](std::string_view key, std::string_view) {
        if (key.size() != 17) return true;
        uint64_t at = uint64_t{number_at(key, 5)} << 32 | number_at(key, 9);
        if (at > modseq) out.push_back({at, number_at(key, 13)});
        return true;
      });
  return out;
}

void Index::Writer::put(const Record& record, std::string_view odd) {
  transaction_.put(index_.key('r', record.uid), pack(record, odd));
}

void Index::Writer::remove(uint32_t uid, uint64_t modseq) {
  transaction_.remove(index_.key('r', uid));
  transaction_.remove_prefix(index_.key('c', uid));
  std::string key = index_.key('x');
  append(key, modseq);
  append(key, uid);
  transaction_.put(key, {});
}

void Index::Writer::trim_expunged(uint64_t floor) {
  std::vector<std::string> old;
  transaction_.walk(
      index_.key('x'), [&](std::string_view key, std::string_view) {
        if (key.size() != 17) return false;
        uint64_t at = uint64_t{number_at(key, 5)} << 32 | number_at(key, 9);
        if (at > floor) return false;
        old.emplace_back(key);
        return true;
      });
  for (const std::string& key : old) transaction_.remove(key);
}

void Index::Writer::put_header(const IndexHeader& header) {
  transaction_.put(index_.key('h'), pack(header));
}

void Index::Writer::put_cached(uint32_t uid, std::string_view field,
                               std::string_view value) {
  std::string key = index_.key('c', uid);
  key += field.substr(0, kMaxField);
  transaction_.put(key, value);
}

void Index::Writer::clear() {
  std::string box;
  append(box, index_.box_);
  transaction_.remove_prefix(box);
}

std::optional<std::string> Index::cached(uint32_t uid, std::string_view field) {
  std::optional<std::string> out;
  if (box_ == 0) return out;
  std::string key = this->key('c', uid);
  key += field.substr(0, kMaxField);
  file_->read([&](IndexFile::Transaction& transaction) {
    if (auto value = transaction.get(key)) out.emplace(*value);
  });
  return out;
}

void Index::forget() {
  file_->write([&](IndexFile::Transaction& transaction) {
    if (!find_box(transaction, /*make=*/false)) return;
    Writer writer(*this, transaction);
    writer.clear();
    transaction.remove(name_key(path_));
  });
  box_ = 0;
}

}  // namespace mail::mailbox
