#pragma once

#include <string>

#include "common/queue/source.h"
#include "common/queuefile/content.h"
#include "delivery/request.h"

namespace mail::delivery {

/// How a message looks to whoever gets it.
struct CopyOptions {
  std::string head;            ///< goes in front: From_ line, headers
  std::string newline = "\n";  ///< after each line of content
  std::string tail;            ///< goes behind
  bool quote_from = false;     ///< "From " at a line's start gets '>'
  bool stuff_dots = false;     ///< "." at a line's start gets another
};

/// Streams a request's message from its queue file.
class MessageCopy {
 public:
  MessageCopy(const Request& request, CopyOptions options)
      : options_(std::move(options)),
        source_(request.file.get()),
        reader_(source_, static_cast<uint64_t>(request.data_offset)) {}

  /// Appends a buffer's worth to `out`; false: that was the last.
  Result<bool> fill(std::string& out);

 private:
  CopyOptions options_;
  queue::FileSource source_;
  queuefile::ContentReader reader_;
  bool begun_ = false, line_start_ = true;
};

/// "From sender  Thu Jan  1 00:00:00 1970\n", local time (mbox(5)).
std::string from_line(std::string_view sender, long seconds);

}  // namespace mail::delivery
