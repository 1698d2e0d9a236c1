#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/net/address.h"
#include "common/tls/summary.h"

namespace mail::smtpd {

/// How sure a client's name is.
enum class NameStatus { Ok, Temporary, Forged, Fail };

/// Who is on the other side; fixed once the session has begun (or changed as a
/// whole by XCLIENT).
struct ClientFacts {
  std::string name = "unknown";          ///< verified, or "unknown"
  std::string reverse_name = "unknown";  ///< what PTR says, unverified
  NameStatus name_status = NameStatus::Fail;
  NameStatus reverse_status = NameStatus::Fail;
  net::IpAddress address;
  std::string address_text = "unknown";  ///< "192.0.2.1", "2001:db8::1"
  std::string port = "unknown";
  std::string server_address = "unknown", server_port = "unknown";
  bool in_mynetworks = false;
  std::string name_addr;  ///< NAME[ADDR], or with :PORT, for log lines
};

/// The state of a session that restrictions, policy servers and filters see.
struct Facts {
  ClientFacts client;
  std::string protocol = "SMTP";  ///< SMTP or ESMTP
  std::optional<std::string> helo;
  std::optional<std::string> sender;     ///< internal form; "" is <>
  std::optional<std::string> recipient;  ///< the one being judged
  size_t recipient_count = 0;            ///< accepted so far
  std::string queue_id;                  ///< empty: none yet
  int64_t size = 0;                      ///< SIZE= or bytes received
  std::string etrn_domain;
  std::string command = "CONNECT";  ///< CMD of log lines: RCPT, DATA, ...
  std::string sasl_method, sasl_username, sasl_sender;
  const tls::Summary* tls = nullptr;  ///< null: in clear
  bool improper_pipelining = false;
  std::string instance;  ///< of policy requests, one a message
};

}  // namespace mail::smtpd
