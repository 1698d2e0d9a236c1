#pragma once

#include "common/queuefile/record.h"
#include "submission/sendmail/message.h"
#include "tests/fuzz/input.h"

inline std::string records(std::string_view text, size_t step, unsigned mode) {
  namespace sendmail = mail::sendmail;
  sendmail::Options options;
  options.extract = mode & 1;
  options.dot_ends = mode & 2;
  auto endings = static_cast<sendmail::LineEndings>(mode / 4 % 3);
  sendmail::ContentWriter writer(options, endings, 64);
  std::string out;
  for (size_t at = 0; at < text.size() && !writer.ended(); at += step) {
    writer.receive(text.substr(at, step), out);
  }
  writer.finish(out);
  sendmail::append_end(options, writer.recipients(), out);
  return out;
}
