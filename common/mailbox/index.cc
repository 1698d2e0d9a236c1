#include "common/mailbox/index.h"

#include "common/mailbox/cache_block.h"

namespace mail::mailbox {

namespace {

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

std::string Index::block_key(uint32_t number, std::string_view field) const {
  std::string out = key('b', number);
  out += field.substr(0, kMaxField);
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
    found = value && unpack_header(*value, out);
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
    transaction.walk(
        key('r'), [&](std::string_view key, std::string_view value) {
          Record record;
          std::string_view odd;
          whole = key.size() == 9 && unpack_record(value, record, odd);
          if (!whole) return false;
          record.uid = number_at(key, 5);
          each(record, odd);
          return true;
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
  return value && unpack_header(*value, out);
}

void Index::Writer::walk(const Each& each) {
  transaction_.walk(
      index_.key('r'), [&](std::string_view key, std::string_view value) {
        Record record;
        std::string_view odd;
        if (key.size() == 9 && unpack_record(value, record, odd)) {
          record.uid = number_at(key, 5);
          each(record, odd);
        }
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
  transaction_.put(index_.key('r', record.uid), pack_record(record, odd));
}

void Index::Writer::put_last(const Record& record, std::string_view odd) {
  transaction_.append(index_.key('r', record.uid), pack_record(record, odd));
}

void Index::Writer::remove(uint32_t uid, uint64_t modseq) {
  transaction_.remove(index_.key('r', uid));
  // Its computed values go with those of the last one beside it.
  uint32_t number = CacheBlock::number_of(uid);
  bool alone = true;
  transaction_.walk_from(
      index_.key('r', number * CacheBlock::kMessages), index_.key('r'),
      [&](std::string_view key, std::string_view) {
        alone = key.size() != 9 ||
                CacheBlock::number_of(number_at(key, 5)) != number;
        return false;
      });
  if (alone) transaction_.remove_prefix(index_.key('b', number));
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
  transaction_.put(index_.key('h'), pack_header(header));
}

std::optional<std::string_view> Index::Writer::block(uint32_t number,
                                                     std::string_view field) {
  return transaction_.get(index_.block_key(number, field));
}

void Index::Writer::put_block(uint32_t number, std::string_view field,
                              std::string_view bytes) {
  transaction_.put(index_.block_key(number, field), bytes);
}

void Index::Writer::clear() {
  std::string box;
  append(box, index_.box_);
  transaction_.remove_prefix(box);
}

std::optional<std::string> Index::block(uint32_t number,
                                        std::string_view field) {
  std::optional<std::string> out;
  if (box_ == 0) return out;
  file_->read([&](IndexFile::Transaction& transaction) {
    if (auto value = transaction.get(block_key(number, field))) {
      out.emplace(*value);
    }
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
