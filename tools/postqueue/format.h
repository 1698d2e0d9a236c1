#pragma once

#include <string>

#include "common/ipc/showq.h"

namespace mail::postqueue {

enum class IdWidth { Short, Long };  ///< enable_long_queue_ids

/// The listing of mailq(1), message by message.
class Table {
 public:
  explicit Table(IdWidth width) : width_(width) {}
  /// Lines for one message, with what must stand before it.
  void add(const ipc::ShowqMessage& message, std::string& out);
  /// The last line.
  void finish(std::string& out) const;

 private:
  IdWidth width_;
  long count_ = 0, bytes_ = 0;
};

/// One message as a line of JSON.
void append_json(const ipc::ShowqMessage& message, std::string& out);

}  // namespace mail::postqueue
