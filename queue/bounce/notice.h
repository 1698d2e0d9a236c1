#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/mime/date.h"
#include "common/queue/delivery_log.h"

namespace mail::bounce {

/// Bounces, delay warnings and delivery reports (RFC 3462, 3464, 6533), in
/// Postfix's words. Pure text: what it says is all in here.
enum class Kind { Failure, Delay, Trace };

struct Notice {
  Kind kind = Kind::Failure;
  bool postmaster = false;  ///< to the postmaster, not to the sender
  bool headers_only = false;
  bool utf8 = false;      ///< the original asked for SMTPUTF8
  std::string encoding;   ///< "7bit", "8bit", empty: not said
  std::string mail_name;  ///< for "X-Postfix"
  std::string host;       ///< myhostname
  std::string id;         ///< this notice's queue id
  std::string boundary;
  std::string to;             ///< internal form
  std::string from, subject;  ///< of the template
  std::string charset;
  std::string text;         ///< the template's, expanded; "" for the postmaster
  std::string thread_id;    ///< the original's Message-Id, or empty
  std::string original_id;  ///< queue id of the original
  std::string sender;       ///< of the original, internal form; not empty
  std::string envelope_id;
  long long now = 0, arrival = 0, retry_until = 0;  ///< seconds since 1970
  mime::Zone zone;
  std::vector<queue::LogEntry> recipients;
};

/// All lines before the original's, each with \n: header, text, report, and
/// the head of the part that holds the original.
std::string format_head(const Notice& notice);
/// What follows the original.
std::string format_tail(const Notice& notice);

/// Appends `text` in lines of at most 79 columns where blanks allow it;
/// continuation lines are indented by four.
void append_wrapped(std::string& out, std::string_view text);

}  // namespace mail::bounce
