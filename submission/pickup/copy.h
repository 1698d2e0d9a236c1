#pragma once

#include <string>

#include "common/queuefile/walker.h"

namespace mail::pickup {

/// What is known of a maildrop file beside its records.
struct Origin {
  long uid = 0;    ///< who owns the file
  long mtime = 0;  ///< stands in for a missing arrival time
  std::string content_filter;
  std::string received;  ///< our Received: header, lines parted by LF
};

/// Turns the records of a maildrop file into what cleanup(8) takes: the
/// privileged records that a user may have put in are dropped (filter,
/// redirect, sizes), ours are added. Any file is untrusted.
///   while (!copier.finished()) { copier.step(64 KiB, out); send(out); }
class Copier {
 public:
  Copier(queuefile::Source& source, Origin origin)
      : walker_(source, 0), origin_(std::move(origin)) {}

  /// Appends about `size` bytes of records. Errors: Protocol, a broken file.
  Result<> step(size_t size, std::string& out);
  bool finished() const { return place_ == Place::Finished; }
  bool in_envelope() const { return place_ == Place::Envelope; }
  /// Known once in_envelope() is false.
  const std::string& sender() const { return sender_; }
  const std::string& original_id() const { return original_id_; }

 private:
  enum class Place { Envelope, Content, Extracted, Finished };
  void envelope(const queuefile::PlacedRecord& record, std::string& out);
  void content(const queuefile::PlacedRecord& record, std::string& out);
  void extracted(const queuefile::PlacedRecord& record, std::string& out);
  void end_envelope(std::string& out);

  queuefile::Walker walker_;
  Origin origin_;
  Place place_ = Place::Envelope;
  bool begun_ = false, has_time_ = false, first_line_ = true;
  std::string sender_, original_id_;
};

}  // namespace mail::pickup
