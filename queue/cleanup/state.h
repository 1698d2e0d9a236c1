#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/ipc/cleanup.h"
#include "queue/cleanup/out_file.h"
#include "queue/cleanup/rewriter.h"

namespace mail::cleanup {

/// Everything that is known of the message in hand. The parts of cleanup
/// (envelope, content, checks, milters, the end) work on it in turn.
struct State {
  State(Config& c, Rewriter& r) : config(c), rewriter(r) {}

  Config& config;
  Rewriter& rewriter;
  OutFile out;
  int flags = 0;   ///< ipc::cleanup_flag
  int status = 0;  ///< ipc::cleanup_status bits
  std::string reason;

  // Envelope.
  std::optional<std::string> sender;
  std::string full_name, filter, redirect;
  std::map<std::string, std::string, std::less<>> attributes;
  long arrival = 0;
  long recipients = 0;
  std::string last_recipient;  ///< for log lines
  std::set<std::string> duplicates;
  std::string pending_original, pending_orcpt;
  int pending_notify = 0;
  std::set<std::string> bcc_done;
  std::vector<std::string> header_bcc;  ///< of BCC actions
  long utf8_bits = 0;  ///< 1 requested, 2 header, 4 sender, 8 recipient
  bool extracted_recipients = false;
  std::string encoding;
  bool found_8bit = false;

  // Offsets in the file.
  long size_at = 0, sender_at = 0, sender_end = 0;
  long message_at = 0, content_at = 0, extracted_at = 0;
  long sender_pointer = -1, recipients_pointer = -1;
  long headers_pointer = -1, body_pointer = -1;
  long headers_at = 0, body_at = 0;
  /// Recipients as they stand in the file, for milters that delete them.
  struct Written {
    std::string original, recipient;
    long offset;
  };
  std::vector<Written> written;

  // Milters: those of the SMTP session, or our own for other mail.
  filters::Filters milters;
  bool milters_used = false;
  bool own_milters = false;

  bool ok() const { return status == 0; }
  void add_error(int bit, std::string text = {}) {
    if (status == 0 || (status & bit)) {
      if (!text.empty()) reason = std::move(text);
    }
    status |= bit;
  }
  bool hold() const { return flags & ipc::cleanup_flag::kHold; }
  bool discard() const { return flags & ipc::cleanup_flag::kDiscard; }

  std::string_view attribute(std::string_view name) const {
    auto at = attributes.find(name);
    return at == attributes.end() ? std::string_view() : at->second;
  }
  std::string shown(const std::string& address) const;
  /// "ID: ACTION: CONTEXT CONTENT from CLIENT[ADDR]; from=<S> to=<R> proto=P
  /// helo=<H>: TEXT".
  void log_action(std::string_view action, std::string_view context,
                  std::string_view content, std::string_view text) const;
};

}  // namespace mail::cleanup
