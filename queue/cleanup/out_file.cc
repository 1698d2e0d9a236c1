#include "queue/cleanup/out_file.h"

#include <unistd.h>

#include <cerrno>

#include "common/base/file.h"

namespace mail::cleanup {

using queuefile::Type;

long OutFile::record(Type type, std::string_view data) {
  long offset = position();
  queuefile::append_record(buffer_, type, data);
  return offset;
}

long OutFile::attribute(std::string_view name, std::string_view value) {
  long offset = position();
  queuefile::append_attribute(buffer_, name, value);
  return offset;
}

void OutFile::text(std::string_view line, bool ends, size_t limit) {
  if (ends) {
    queuefile::append_line(buffer_, line, limit);
    return;
  }
  do {
    queuefile::append_record(buffer_, Type::Cont, line.substr(0, limit));
    line.remove_prefix(std::min(line.size(), limit));
  } while (!line.empty());
}

long OutFile::pointer() {
  return record(Type::Pointer, queuefile::fixed_number(0));
}

void OutFile::overwrite(long offset, std::string_view bytes) {
  size_t at = static_cast<size_t>(offset);
  if (at >= written_) {
    buffer_.replace(at - written_, bytes.size(), bytes);
    return;
  }
  if (failed_) return;
  ssize_t n = pwrite(file_.fd.get(), bytes.data(), bytes.size(), offset);
  if (n != static_cast<ssize_t>(bytes.size())) {
    fail({Fault::Temporary, "write", n < 0 ? errno : EIO});
  }
}

void OutFile::set_pointer(long offset, long target) {
  std::string record;
  queuefile::append_record(record, Type::Pointer,
                           queuefile::fixed_number(target));
  overwrite(offset, record);
}

void OutFile::flush() {
  if (!failed_ && !buffer_.empty()) {
    auto done = write_all(file_.fd.get(), buffer_);
    if (!done) fail(done.error());
  }
  written_ += buffer_.size();
  buffer_.clear();
}

void OutFile::fail(Error error) {
  if (failed_) return;
  failed_ = true;
  error_ = std::move(error);
}

}  // namespace mail::cleanup
