#include "common/queuefile/content.h"

namespace mail::queuefile {

Result<std::optional<Piece>> ContentReader::next() {
  while (!ended_) {
    auto record = TRY(walker_.next());
    if (!record) return corrupt("content without end", walker_.offset());
    switch (record->type) {
      case Type::Text:
        return Piece{record->data, true};
      case Type::Cont:
        return Piece{record->data, false};
      case Type::Padding:
      case Type::Killed:
        continue;
      case Type::Extracted:
        ended_ = true;
        continue;
      default:
        return corrupt("unexpected record in content", record->offset);
    }
  }
  return std::nullopt;
}

Result<bool> append_content(ContentReader& reader, size_t size,
                            std::string_view newline, std::string& out) {
  size_t before = out.size();
  while (out.size() - before < size) {
    auto piece = TRY(reader.next());
    if (!piece) return false;
    out.append(piece->text);
    if (piece->ends_line) out.append(newline);
  }
  return true;
}

}  // namespace mail::queuefile
