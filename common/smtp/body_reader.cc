#include "common/smtp/body_reader.h"

#include <cstring>

namespace mail::smtp {

/// One whole line at begin; `newline` is its LF. Returns bytes taken.
size_t BodyReader::take_line(const char* begin, const char* newline,
                             Framing framing) {
  size_t taken = static_cast<size_t>(newline - begin) + 1;
  const char* end = newline;
  bool crlf = end > begin && end[-1] == '\r';
  if (mode_ == BareNewline::Allow) {
    while (end > begin && end[-1] == '\r') --end;
  } else if (crlf) {
    --end;
  } else {
    bare_newline_ = bare_newline_ || mode_ == BareNewline::Reject;
  }
  bool starts = line_start_;
  bool previous_crlf = after_crlf_;
  line_start_ = true;
  after_crlf_ = crlf;
  if (framing == Framing::Dot && starts && begin < end && *begin == '.') {
    if (end - begin == 1) {
      finished_ = mode_ == BareNewline::Allow || (crlf && previous_crlf);
      return taken;
    }
    ++begin;
  }
  lines_.push_back({{begin, static_cast<size_t>(end - begin)}, false});
  return taken;
}

/// A piece of a line that is longer than the limit. CRs at its end may belong
/// to the line end and stay for the next piece.
size_t BodyReader::take_piece(std::string_view rest) {
  size_t size = line_limit_;
  while (size > 0 && rest[size - 1] == '\r') --size;
  if (size == 0) size = line_limit_;
  std::string_view text = rest.substr(0, size);
  if (line_start_ && text[0] == '.' && dots_) text.remove_prefix(1);
  line_start_ = false;
  lines_.push_back({text, true});
  return size;
}

size_t BodyReader::read(std::string_view input, Framing framing,
                        bool end_of_chunk) {
  lines_.clear();
  dots_ = framing == Framing::Dot;
  size_t taken = 0;
  while (!finished_ && taken < input.size()) {
    const char* begin = input.data() + taken;
    size_t left = input.size() - taken;
    const void* found = std::memchr(begin, '\n', left);
    size_t length =
        found == nullptr
            ? left
            : static_cast<size_t>(static_cast<const char*>(found) - begin);
    // A line of just the limit and its CRLF are one piece: wait for them.
    if (length > line_limit_ + 1 ||
        (length == line_limit_ + 1 && begin[line_limit_] != '\r')) {
      taken += take_piece({begin, left});
    } else if (found != nullptr) {
      taken += take_line(begin, static_cast<const char*>(found), framing);
    } else {
      break;
    }
  }
  if (end_of_chunk && taken < input.size()) {
    lines_.push_back({input.substr(taken), false});
    line_start_ = true;
    taken = input.size();
  } else if (end_of_chunk && !line_start_) {
    lines_.push_back({{}, false});
    line_start_ = true;
  }
  return taken;
}

}  // namespace mail::smtp
