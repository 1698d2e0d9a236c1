#pragma once

#include "queue/cleanup/envelope.h"
#include "queue/cleanup/state.h"

namespace mail::cleanup {

/// Takes over the filters that smtpd hands on (common/ipc/milter.h): what the
/// reader has beyond the `m` record comes first. Errors: Protocol.
net::Task<Result<filters::Filters>> receive_milters(
    net::Stream& stream, queuefile::RecordReader& reader, size_t count,
    net::Deadline deadline);

/// Shows the finished file to the filters and carries out what they change.
/// Edits are made so that the file reads right at every moment: new text goes
/// to its end, and a pointer record leads there and back.
class MilterRun {
 public:
  MilterRun(State& state, EnvelopeWriter& envelope,
            std::vector<std::string>& headers)
      : s_(state), envelope_(envelope), headers_(headers) {}
  net::Task<> run();

 private:
  class View;
  net::Task<filters::Verdict> begin_own_session();
  std::optional<std::string> macro(std::string_view name) const;
  net::Task<> apply_envelope_edits();
  net::Task<> change_sender(std::string address);
  net::Task<> add_recipient(std::string address);
  void delete_recipient(std::string_view address);
  void store_header();
  void store_body(const std::string& body);
  void obey(const filters::Verdict& verdict);

  State& s_;
  EnvelopeWriter& envelope_;
  std::vector<std::string>& headers_;
  std::vector<milter::Edit> envelope_edits_;
  bool headers_changed_ = false;
  std::optional<std::string> new_body_;
};

}  // namespace mail::cleanup
