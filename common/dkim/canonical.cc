#include "common/dkim/canonical.h"

#include <algorithm>

#include "common/base/ascii.h"

namespace mail::dkim {

namespace {

constexpr size_t kScratch = 4096;
constexpr std::string_view kCrlf = "\r\n";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

std::string_view canon_name(Canon canon) {
  return canon == Canon::Simple ? "simple" : "relaxed";
}

std::optional<Canon> canon_by_name(std::string_view name) {
  if (iequals(name, "simple")) return Canon::Simple;
  if (iequals(name, "relaxed")) return Canon::Relaxed;
  return std::nullopt;
}

void canonicalize_header(Canon canon, std::string_view name,
                         std::string_view value, std::string& out) {
  if (canon == Canon::Simple) {
    out += name;
    out += ':';
    out += value;
    return;
  }
  for (char c : trim_right(name)) out += to_lower(c);
  out += ':';
  bool gap = false, any = false;
  for (char c : value) {
    if (c == '\r' || c == '\n') continue;
    if (is_blank(c)) {
      gap = true;
      continue;
    }
    if (gap && any) out += ' ';
    gap = false;
    any = true;
    out += c;
  }
}

BodyHasher::BodyHasher(Canon canon, crypto::Hash hash,
                       std::optional<uint64_t> limit)
    : canon_(canon), hasher_(hash), limit_(limit) {}

void BodyHasher::update(std::string_view bytes) {
  if (bytes.empty() || satisfied()) return;
  if (canon_ == Canon::Simple) {
    simple(bytes);
  } else {
    relaxed(bytes);
  }
}

std::string BodyHasher::finish() {
  if (held_cr_) content("\r");
  held_cr_ = false;
  // The empty lines at the end are one line end; a relaxed body without any
  // content stays empty (RFC 6376, 3.4.3 and 3.4.4).
  if (canon_ == Canon::Simple || any_content_) emit(kCrlf);
  if (!scratch_.empty()) hasher_.update(scratch_);
  scratch_.clear();
  return hasher_.finish();
}

// Only CRLFs at the very end are held back: all else is hashed where it lies.
void BodyHasher::simple(std::string_view bytes) {
  if (held_cr_) {
    held_cr_ = false;
    if (bytes.front() == '\n') {
      ++line_ends_;
      bytes.remove_prefix(1);
    } else {
      content("\r");
    }
  }
  if (bytes.ends_with('\r')) {
    held_cr_ = true;
    bytes.remove_suffix(1);
  }
  uint64_t trailing = 0;
  while (bytes.ends_with(kCrlf)) {
    ++trailing;
    bytes.remove_suffix(kCrlf.size());
  }
  if (!bytes.empty()) content(bytes);
  line_ends_ += trailing;
}

void BodyHasher::relaxed(std::string_view bytes) {
  size_t i = 0;
  while (i < bytes.size()) {
    char c = bytes[i];
    if (held_cr_) {
      held_cr_ = false;
      if (c == '\n') {
        ++line_ends_;
        held_blank_ = false;
        ++i;
        continue;
      }
      content("\r");
    }
    if (c == '\r') {
      held_cr_ = true;
      ++i;
    } else if (is_blank(c)) {
      held_blank_ = true;
      ++i;
    } else {
      size_t begin = i;
      while (i < bytes.size() && bytes[i] != '\r' && !is_blank(bytes[i])) ++i;
      content(bytes.substr(begin, i - begin));
    }
  }
  if (!scratch_.empty()) {
    hasher_.update(scratch_);
    scratch_.clear();
  }
}

void BodyHasher::content(std::string_view bytes) {
  release_line_ends();
  if (held_blank_) emit(" ");
  held_blank_ = false;
  any_content_ = true;
  emit(bytes);
}

void BodyHasher::release_line_ends() {
  // A flood of empty lines past l= costs nothing.
  while (line_ends_ > 0 && !satisfied()) {
    emit(kCrlf);
    --line_ends_;
  }
  line_ends_ = 0;
}

void BodyHasher::emit(std::string_view bytes) {
  if (limit_) bytes = bytes.substr(0, *limit_ - size_);
  size_ += bytes.size();
  // The pieces of a relaxed body are short: they are hashed together.
  if (canon_ == Canon::Simple || bytes.size() >= kScratch) {
    if (!scratch_.empty()) hasher_.update(scratch_);
    scratch_.clear();
    hasher_.update(bytes);
    return;
  }
  scratch_ += bytes;
  if (scratch_.size() >= kScratch) {
    hasher_.update(scratch_);
    scratch_.clear();
  }
}

void LineEndFixer::update(std::string_view bytes, std::string& out) {
  for (char c : bytes) {
    if (held_cr_) {
      out += kCrlf;
      held_cr_ = false;
      if (c == '\n') continue;
    }
    if (c == '\r') {
      held_cr_ = true;
    } else if (c == '\n') {
      out += kCrlf;
    } else {
      out += c;
    }
  }
}

void LineEndFixer::finish(std::string& out) {
  if (held_cr_) out += kCrlf;
  held_cr_ = false;
}

}  // namespace mail::dkim
