#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/net/stream.h"
#include "common/smtp/dot_writer.h"
#include "common/smtp/reply.h"
#include "common/smtp/server_engine.h"
#include "smtpd/config.h"
#include "smtpd/overflow.h"

namespace mail::smtpd {

/// One message's way through the content filter in front of the queue
/// (smtpd_proxy_filter, SMTPD_PROXY_README): ESMTP without pipelining, MAIL and
/// RCPT as the client has said them. What the filter answers is the client's
/// answer, and what does not answer is 451 (a warning says why).
///   open() 250 --recipient() 2xx--> data() 354 --add_lines--> finish()
/// With speed_adjust nothing is said to the filter before finish(), which then
/// says it all; until then everything has the answer that lets the client go
/// on.
class ProxyFilter {
 public:
  explicit ProxyFilter(const Config& config) : config_(&config) {}

  /// xforward: "NAME=value" in xtext, for attributes that the filter may know.
  /// command: the client's MAIL line.
  net::Task<smtp::Reply> open(std::vector<std::string> xforward,
                              std::string command);
  net::Task<smtp::Reply> recipient(std::string command);
  net::Task<smtp::Reply> data();
  /// Header lines that go in front, parted by LF.
  void add_header(std::string_view text);
  void add_lines(std::span<const smtp::BodyLine> lines);
  /// Passes on what has gathered, when it is much.
  net::Task<> send_some();
  /// The filter's word on the message.
  net::Task<smtp::Reply> finish();
  /// QUIT, without waiting for the answer: nothing is owed any more.
  net::Task<> quit();

  bool is_open() const { return opened_; }

 private:
  net::Task<smtp::Reply> begin();
  net::Task<bool> introduce();
  net::Task<smtp::Reply> replay();
  net::Task<bool> replay_content();
  void rejected(std::string_view command, const smtp::ReceivedReply& reply);
  /// False: the filter is lost, and the log knows.
  net::Task<bool> ask(std::string line, smtp::ReceivedReply& reply);
  net::Task<bool> hear(smtp::ReceivedReply& reply);
  net::Task<bool> flush();
  bool lost(const Error& error);
  net::Deadline deadline() const;
  std::string& wire() { return stream_.output(); }

  const Config* config_;
  net::Stream stream_;
  bool opened_ = false, broken_ = false;
  std::vector<std::string> xforward_, commands_;  ///< MAIL, then RCPT
  smtp::DotWriter writer_{0};
  std::string content_;  ///< for the wire, not yet sent or put aside
  Overflow aside_;       ///< speed_adjust: the content so far
};

}  // namespace mail::smtpd
