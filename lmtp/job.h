#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/ipc/tabbed.h"

namespace mail::lmtp {

/// A message of up to so many bytes goes along with the job; a larger one by
/// descriptor.
inline constexpr size_t kInlineBody = 96 * 1024;

/// One recipient of a Job.
struct JobRecipient {
  std::string user;       ///< as auth says
  ipc::TabFields fields;  ///< of the user database
  std::string session;    ///< "QHz5...:T2:R3"
  std::string address;    ///< as in RCPT
  std::string mailbox;    ///< detail; empty: INBOX
  std::string headers;    ///< to stand in front, LF line ends
};

/// What lmtp asks a user's process to do: one message for some recipients of
/// that process's ids. The answer: one JobAnswer a recipient, in order.
/// Our own format: a line of fields for the message, one for each recipient,
/// then the body, LF line ends, if it is not in the job's descriptor.
struct Job {
  std::string sender;
  std::string local_ip, remote_ip;
  uint64_t body_size = 0;
  bool inline_body = true;
  std::vector<JobRecipient> recipients;
  std::string body;
};
std::string encode(const Job& job);
Result<Job> parse_job(std::string_view message);

struct JobAnswer {
  int code = 451;
  std::string status = "4.3.0";  ///< enhanced
  std::string text;              ///< behind "<address> "
};
std::string encode(const std::vector<JobAnswer>& answers);
Result<std::vector<JobAnswer>> parse_answers(std::string_view text);

}  // namespace mail::lmtp
