#include "common/queuefile/walker.h"

#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::queuefile {

Failure corrupt(std::string_view what, uint64_t offset) {
  return fail(Fault::Protocol, fmt::format("{} at offset {}", what, offset));
}

Result<uint64_t> parse_pointer(const PlacedRecord& record) {
  auto target = parse_number<uint64_t>(trim_left(record.data));
  if (!target) return corrupt("bad pointer record", record.offset);
  return *target;
}

Result<> Walker::load(size_t want) {
  if (offset_ >= window_offset_ &&
      offset_ - window_offset_ + want <= window_.size()) {
    return {};
  }
  window_ = TRY(source_->fetch(offset_, want));
  window_offset_ = offset_;
  return {};
}

Result<std::optional<PlacedRecord>> Walker::one() {
  constexpr size_t kHead = 6;
  TRY(load(kHead));
  auto bytes = window_.substr(offset_ - window_offset_);
  if (bytes.empty()) return std::nullopt;
  auto parsed = parse_frame(bytes);
  if (!parsed) return corrupt(parsed.error().what, offset_);
  if (!*parsed) {
    return corrupt(fmt::format("unexpected EOF reading length, record type {}",
                               static_cast<int>(bytes[0])),
                   offset_);
  }
  Frame frame = **parsed;
  size_t all = frame.head + frame.size;
  if (bytes.size() < all) {
    TRY(load(all));
    bytes = window_.substr(offset_ - window_offset_);
    if (bytes.size() < all) {
      return corrupt(
          fmt::format("unexpected EOF in data, record type {} length {}",
                      static_cast<int>(frame.type), frame.size),
          offset_);
    }
  }
  PlacedRecord record{frame.type, bytes.substr(frame.head, frame.size), offset_,
                      offset_ + all};
  offset_ = record.end;
  // Each byte is walked once, so a longer way is a circle.
  walked_ += all;
  if (record.end > highest_) highest_ = record.end;
  if (walked_ > highest_) {
    return corrupt("pointers run in a circle", record.offset);
  }
  return record;
}

Result<std::optional<PlacedRecord>> Walker::next() {
  for (;;) {
    auto record = TRY(one());
    if (!record || record->type != Type::Pointer ||
        pointers_ == Pointers::Show) {
      return record;
    }
    auto target = TRY(parse_pointer(*record));
    if (target != 0) offset_ = target;
  }
}

}  // namespace mail::queuefile
