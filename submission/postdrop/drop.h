#pragma once

#include <functional>
#include <string>

#include "common/queue/spool.h"
#include "common/queuefile/record.h"

namespace mail::postdrop {

/// What sendmail(1) sends to postdrop(1): envelope, content, extracted
/// segment. Passes on what may stand in a maildrop file.
///   Envelope --M--> Content --X--> Extracted --E--> finished
class Checker {
 public:
  using Warn = std::function<void(std::string_view text)>;
  explicit Checker(Warn warn) : warn_(std::move(warn)) {}

  /// Appends the record to `out` if it belongs into the file.
  /// Errors: Protocol "unexpected record type: T".
  Result<> take(const queuefile::Record& record, std::string& out);
  bool finished() const { return place_ == Place::Finished; }
  bool has_sender() const { return has_sender_; }
  bool has_recipient() const { return has_recipient_; }

 private:
  enum class Place { Envelope, Content, Extracted, Finished };
  bool allowed_attribute(std::string_view text) const;
  Warn warn_;
  Place place_ = Place::Envelope;
  bool has_sender_ = false, has_recipient_ = false;
};

}  // namespace mail::postdrop
