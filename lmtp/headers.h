#pragma once

#include <string>
#include <string_view>

#include "common/base/clock.h"

namespace mail::lmtp {

/// What stands in front of a delivered message.
struct Trace {
  std::string sender;     ///< empty: <>
  std::string helo;       ///< LHLO's name
  std::string remote_ip;  ///< empty: a Unix socket
  std::string hostname;   ///< ours
  std::string id;         ///< of the transaction: "QHz5...:T3"
  std::string tls;        ///< "TLSv1.3 with cipher ..."; empty: no TLS
  /// Delivered-To, and "for" of Received; both only for a single recipient.
  std::string delivered_to, recipient;
  bool received = true;  ///< lmtp_add_received_header
  WallTime now{};
};

/// Return-Path, Delivered-To, Received, with LF line ends.
std::string trace_headers(const Trace& trace);

/// What log lines say of a message, from its first bytes.
struct LoggedHeaders {
  std::string message_id;  ///< "<x@y>"; empty: there is none
  std::string subject, from;
};
/// header: the message's beginning; what is behind the header is not read.
LoggedHeaders logged_headers(std::string_view header);

}  // namespace mail::lmtp
