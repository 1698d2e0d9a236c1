#include "common/smtp/dot_writer.h"

#include <cstring>

namespace mail::smtp {

/// Text without line ends.
void DotWriter::append(std::string_view text, std::string& wire) {
  if (text.empty()) return;
  if (line_start_ && text[0] == '.') {
    wire += '.';
    ++column_;
  }
  line_start_ = false;
  while (line_limit_ != 0 && column_ + text.size() > line_limit_) {
    size_t room = line_limit_ - column_;
    wire += text.substr(0, room);
    wire += "\r\n ";
    text.remove_prefix(room);
    column_ = 1;
  }
  wire += text;
  column_ += text.size();
}

void DotWriter::line(std::string_view text, bool complete, std::string& wire) {
  append(text, wire);
  if (!complete) return;
  wire += "\r\n";
  column_ = 0;
  line_start_ = true;
}

void DotWriter::text(std::string_view text, std::string& wire) {
  wire.reserve(wire.size() + text.size() + text.size() / 32 + 16);
  while (!text.empty()) {
    const void* found = std::memchr(text.data(), '\n', text.size());
    if (found == nullptr) {
      append(text, wire);
      return;
    }
    size_t size =
        static_cast<size_t>(static_cast<const char*>(found) - text.data());
    line(text.substr(0, size), /*complete=*/true, wire);
    text.remove_prefix(size + 1);
  }
}

void DotWriter::finish(std::string& wire) {
  if (!line_start_) line({}, /*complete=*/true, wire);
  wire += ".\r\n";
}

}  // namespace mail::smtp
