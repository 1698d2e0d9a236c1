#pragma once

#include <optional>
#include <string>

#include "common/ipc/conversation.h"
#include "common/smtp/command.h"
#include "smtpd/config.h"
#include "smtpd/facts.h"
#include "smtpd/forwarded.h"

namespace mail::smtpd {

/// One message on its way into the queue: the connection to cleanup(8), what
/// was accepted so far, and what access tables have ordered.
class Transaction {
 public:
  explicit Transaction(const Config& config) : config_(&config) {}

  smtp::Mail mail;
  std::optional<Forwarded> forwarded;  ///< for the logs of later programs
  restriction::Effects effects;
  bool local_client = false;  ///< its headers are completed as ours are
  size_t accepted = 0;
  std::string first_recipient;  ///< external form, for Received
  int64_t content_bytes = 0;    ///< each line counts two more
  bool too_big = false;
  bool failed = false;  ///< cleanup is gone; it may still say why

  bool is_open() const { return static_cast<bool>(stream_); }
  /// Connects, learns the queue id, sends the envelope up to the sender.
  /// Errors: Temporary, for "queue file write error".
  net::Task<Result<std::string>> open(const Facts& facts, bool has_milters);
  void add_recipient(const smtp::Rcpt& rcpt);
  /// FILTER, REDIRECT, HOLD and so on, then M, PREPENDs and Received.
  net::Task<> begin_content(const Facts& facts, filters::Filters& filters);
  /// Copies; call send_some() between.
  void add_lines(std::span<const smtp::BodyLine> lines);
  /// Passes on what has gathered, when it is much.
  net::Task<> send_some();
  /// The end: cleanup's verdict. Errors: Temporary.
  net::Task<Result<ipc::StatusReason>> finish();
  /// Gives the message up.
  void abandon();

 private:
  net::Task<Result<net::Stream>> connect();
  std::string peer() const;
  void write_submission();
  void write_dsn_request(std::string& out) const;
  void write_body_type(std::string& out) const;
  void write_envelope(const Facts& facts, bool has_milters);
  net::Task<Result<>> pass_filters(filters::Filters& filters);
  void write_header_lines(std::string_view text);

  const Config* config_;
  net::Stream stream_;
  bool at_start_ = true;  // only "From " lines so far
  bool mid_line_ = false;
};

/// The Received: header, lines parted by LF.
std::string received_header(const Config& config, const Facts& facts,
                            const Transaction& transaction);

}  // namespace mail::smtpd
