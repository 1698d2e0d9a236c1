#include "common/mailbox/message_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mail::mailbox {

namespace {
constexpr size_t kReadAhead = 64 << 10, kHeaderAhead = 8 << 10;
constexpr size_t kWorthCopying = 16;
constexpr uint64_t kMarkEvery = 256 << 10;

/// Line ends in `text` that are a bare LF.
uint64_t bare_ends(std::string_view text, bool& after_cr) {
  uint64_t count = 0;
  for (size_t at = 0; at < text.size();) {
    const void* hit = memchr(text.data() + at, '\n', text.size() - at);
    if (!hit) break;
    size_t end =
        static_cast<size_t>(static_cast<const char*>(hit) - text.data());
    bool cr = end > 0 ? text[end - 1] == '\r' : after_cr;
    if (!cr) ++count;
    at = end + 1;
  }
  if (!text.empty()) after_cr = text.back() == '\r';
  return count;
}

}  // namespace

MessageReader::MessageReader(UniqueFd fd, std::string head, uint64_t offset,
                             uint64_t size)
    : fd_(std::move(fd)),
      head_(std::move(head)),
      body_offset_(offset),
      body_size_(size) {}

Result<std::string_view> MessageReader::peek(uint64_t offset, Ahead ahead) {
  if (offset < head_.size()) return std::string_view(head_).substr(offset);
  if (offset >= size()) return std::string_view();
  if (offset >= buffer_at_ && offset < buffer_at_ + buffer_.size()) {
    return std::string_view(buffer_).substr(offset - buffer_at_);
  }
  uint64_t at = offset - head_.size();
  size_t want = std::min<uint64_t>(
      ahead == Ahead::Much ? kReadAhead : kHeaderAhead, body_size_ - at);
  buffer_.resize(want);
  ssize_t n;
  do {
    n = pread(fd_.get(), buffer_.data(), want,
              static_cast<off_t>(body_offset_ + at));
  } while (n < 0 && errno == EINTR);
  if (n < 0) return fail_errno("read", errno);
  if (n == 0) {
    // Somebody has cut the file: what it had is all there is.
    body_size_ = at;
  }
  buffer_.resize(static_cast<size_t>(n));
  buffer_at_ = offset;
  return std::string_view(buffer_);
}

Result<size_t> MessageReader::read(uint64_t offset, size_t size,
                                   std::string& out) {
  size_t done = 0;
  while (done < size) {
    std::string_view some = TRY(peek(offset + done));
    if (some.empty()) break;
    some = some.substr(0, size - done);
    out += some;
    done += some.size();
  }
  return done;
}

Result<std::string> MessageReader::read_all(size_t limit) {
  if (size() > limit) return fail(Fault::Protocol, "message is too large");
  std::string out;
  out.reserve(size());
  TRY(read(0, size(), out));
  return out;
}

Result<std::string> MessageReader::read_header(size_t limit) {
  std::string out;
  while (out.size() < limit) {
    std::string_view some = TRY(peek(out.size(), Ahead::Little));
    if (some.empty()) break;
    size_t from = out.size() < 3 ? 0 : out.size() - 3;
    out += some.substr(0, limit - out.size());
    if (out.starts_with('\n')) return out.substr(0, 1);
    if (out.starts_with("\r\n")) return out.substr(0, 2);
    size_t lf = out.find("\n\n", from), crlf = out.find("\n\r\n", from);
    size_t end = std::min(lf == out.npos ? lf : lf + 2,
                          crlf == out.npos ? crlf : crlf + 3);
    if (end != out.npos) {
      out.resize(end);
      return out;
    }
  }
  return out;
}

MessageReader::Mark MessageReader::mark_before(uint64_t virtual_offset) const {
  Mark best;
  for (const Mark& mark : marks_) {
    if (mark.virtual_offset > virtual_offset) break;
    best = mark;
  }
  if (last_.virtual_offset <= virtual_offset &&
      last_.virtual_offset >= best.virtual_offset) {
    best = last_;
  }
  return best;
}

void MessageReader::keep_mark(const Mark& mark) {
  uint64_t end = marks_.empty() ? 0 : marks_.back().physical;
  if (mark.physical >= end + kMarkEvery) marks_.push_back(mark);
}

Result<uint64_t> MessageReader::virtual_size() {
  Mark at = marks_.empty() ? Mark{} : marks_.back();
  while (true) {
    std::string_view some = TRY(peek(at.physical));
    if (some.empty()) return at.virtual_offset;
    at.virtual_offset += some.size() + bare_ends(some, at.after_cr);
    at.physical += some.size();
    keep_mark(at);
  }
}

/// All of `some`, which stands at `at`; returns what is behind it.
MessageReader::Mark MessageReader::copy_crlf(std::string_view some, Mark at,
                                             std::string& out) {
  const size_t before = out.size();
  const char* from = some.data();
  const char* end = from + some.size();
  bool after_cr = at.after_cr;
  while (from < end) {
    const auto* lf = static_cast<const char*>(
        memchr(from, '\n', static_cast<size_t>(end - from)));
    if (!lf) {
      out.append(from, end);
      break;
    }
    bool cr = lf == some.data() ? after_cr : lf[-1] == '\r';
    out.append(from, lf);
    out.append(cr ? "\n" : "\r\n");
    from = lf + 1;
  }
  at.physical += some.size();
  at.virtual_offset += out.size() - before;
  at.after_cr = some.back() == '\r';
  keep_mark(at);
  return at;
}

Result<size_t> MessageReader::read_crlf(uint64_t virtual_offset, size_t size,
                                        std::string& out) {
  Mark at = mark_before(virtual_offset);
  size_t done = 0;
  // Offset of the first byte wanted, and whether the CR of a bare LF is
  // already behind us, both counted in bytes as they are made.
  while (done < size) {
    std::string_view some = TRY(peek(at.physical));
    if (some.empty()) break;
    // Forward in large pieces; each byte may become two.
    size_t fits = std::min(some.size(), (size - done) / 2);
    if (virtual_offset + done == at.virtual_offset && fits >= kWorthCopying) {
      size_t before = out.size();
      last_ = at = copy_crlf(some.substr(0, fits), at, out);
      done += out.size() - before;
      continue;
    }
    size_t end = std::min(some.find('\n'), some.size());
    std::string_view text = some.substr(0, end);
    bool line_end = end < some.size();
    bool cr = text.empty() ? at.after_cr : text.back() == '\r';
    uint64_t skip = virtual_offset + done > at.virtual_offset
                        ? virtual_offset + done - at.virtual_offset
                        : 0;
    if (skip < text.size()) {
      std::string_view part = text.substr(skip).substr(0, size - done);
      out += part;
      done += part.size();
      if (done == size) break;
    }
    std::string_view ending = !line_end ? "" : cr ? "\n" : "\r\n";
    uint64_t ending_at = at.virtual_offset + text.size();
    skip = virtual_offset + done - ending_at;
    if (virtual_offset + done >= ending_at && skip < ending.size()) {
      std::string_view part = ending.substr(skip).substr(0, size - done);
      out += part;
      done += part.size();
      if (skip + part.size() < ending.size()) break;
    }
    at.physical += text.size() + (line_end ? 1 : 0);
    at.virtual_offset = ending_at + ending.size();
    if (!text.empty() || line_end) {
      at.after_cr = !line_end && text.back() == '\r';
    }
    keep_mark(at);
    last_ = at;
  }
  return done;
}

}  // namespace mail::mailbox
