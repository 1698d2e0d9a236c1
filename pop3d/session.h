#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/log/log.h"
#include "common/mailbox/registry.h"
#include "common/mailbox/storage.h"
#include "common/net/stream.h"
#include "common/net/task.h"
#include "pop3d/engine.h"
#include "pop3d/mailbox_drop.h"

namespace mail::pop3d {

using Log = std::function<void(log::Level, std::string_view)>;

/// One POP3 client after login: moves bytes between stream and engine, reads
/// messages, brings deletions to the mailbox at QUIT.
class Session {
 public:
  /// log: takes lines without a prefix.
  Session(mailbox::Registry& registry, net::Stream stream, Config config,
          Log log);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// To the end. settings: as Storage::open wants them, or why there are none.
  /// input: what the client has sent already.
  net::Task<> serve(Result<mailbox::UserSettings> settings, std::string input);
  /// Ends at the next opportunity: "Server shutting down."
  void shut_down();

 private:
  net::Task<bool> open(Result<mailbox::UserSettings> settings);
  net::Task<> converse(std::string input);
  net::Task<bool> on(Event event);
  /// False: half a message was sent, and no more can be.
  net::Task<bool> retrieve(Retrieve what);
  Result<> update();
  net::Task<bool> flush();
  void log_end(std::string_view reason);
  std::string statistics() const;

  mailbox::Registry& registry_;
  net::Stream stream_;
  Config config_;
  Log log_;
  std::unique_ptr<mailbox::Storage> storage_;
  std::unique_ptr<mailbox::Mailbox> mailbox_;
  std::unique_ptr<MailboxDrop> drop_;
  std::unique_ptr<Engine> engine_;
  std::vector<uint32_t> seen_;  // uids whose messages were retrieved
  bool stopping_ = false, ended_ = false;
};

}  // namespace mail::pop3d
