#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/imap/sequence_set.h"
#include "common/imap/server_engine.h"
#include "common/mailbox/mailbox.h"
#include "common/mailbox/storage.h"
#include "common/mailview/open_message.h"
#include "common/net/condition.h"
#include "common/net/stream.h"
#include "common/net/task.h"
#include "imapd/config.h"

namespace mail::imapd {

/// The tagged reply of a command. The text is without the time and the full
/// stop at its end: "Fetch completed".
struct Reply {
  enum class Kind : uint8_t { Ok, No, Bad } kind = Kind::Ok;
  std::string text;
  /// What the client may be told before the reply.
  enum class Sync : uint8_t {
    None,
    HoldExpunges,  ///< RFC 3501, 7.4.1: FETCH, STORE, SEARCH by number
    All,
  } sync = Sync::None;
  bool uids = false;  ///< flag changes are told with UIDs

  static Reply ok(std::string text, Sync sync = Sync::None);
  static Reply no(std::string text, Sync sync = Sync::None);
  static Reply bad(std::string text);
};

/// Counts of imap_logout_format.
struct Statistics {
  uint64_t input = 0, output = 0;
  uint64_t deleted = 0, expunged = 0, trashed = 0, appended = 0,
           autoexpunged = 0;
  uint64_t header_count = 0, header_bytes = 0;
  uint64_t body_count = 0, body_bytes = 0;
};

/// One user's connection after login: moves bytes between stream and engine,
/// runs a command after the other, tells of changes in the mailbox.
class Session {
 public:
  static constexpr size_t kGathered = 65536;

  Session(mailbox::Registry& registry, net::Stream stream, Account account,
          Log log);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  struct Start {
    /// "* PREAUTH [...] Logged in as NAME"; else a tagged OK.
    bool preauthenticated = false;
    std::string tag;
    /// The client has asked CAPABILITY before: it is told untagged.
    bool untagged_capability = false;
    std::string input;  ///< what the client has sent already
  };
  /// To the end of the connection.
  net::Task<> serve(Start start);
  /// Says BYE at the next opportunity (shutdown).
  void shut_down();

  // What commands use.
  const Account& account() const { return account_; }
  const Config& config() const { return account_.config; }
  mailbox::Storage& storage() { return *storage_; }
  /// The selected mailbox, or nullptr.
  mailbox::Mailbox* selected() { return selected_.get(); }
  const std::string& selected_name() const { return selected_name_; }
  void select(std::unique_ptr<mailbox::Mailbox> mailbox, std::string name);
  void unselect();
  mailview::OpenMessage& message() { return message_; }
  /// Its contents are no longer wanted ($ of RFC 5182).
  std::set<uint32_t>& saved_search() { return saved_search_; }

  std::string& output() { return stream_.output(); }
  /// Output has gathered that breathe() will send, or the client is gone.
  bool has_much() { return ending_ || output().size() >= kGathered; }
  /// Sends when much has gathered; false: the client is gone.
  net::Task<bool> breathe();
  /// Sends everything now.
  net::Task<bool> flush();
  net::Stream& stream() { return stream_; }
  imap::ServerEngine& engine() { return engine_; }
  /// The next event of the engine; nullopt: the client is gone. After
  /// AppendBytes call consumed().
  net::Task<std::optional<imap::Event>> next_event();
  void consumed() { stream_.consume(engine_.consumed()); }
  /// Lets other sessions run if this one has worked for some milliseconds.
  net::Task<> share();

  bool condstore() const { return condstore_; }
  bool qresync() const { return qresync_; }
  /// RFC 7162, 3.1: the client knows of MODSEQ from here on. Tells
  /// HIGHESTMODSEQ of the selected mailbox if `tell`.
  void enable_condstore(bool tell);
  void enable_qresync() { qresync_ = condstore_ = true; }
  /// ENABLE has named it; false: it had before.
  bool first_enabled(std::string_view extension) {
    return enabled_.emplace(extension).second;
  }
  std::string capability() const;
  bool compressing() const { return compressing_; }
  /// From the reply of the running command on.
  void begin_compression() { compressing_ = compression_due_ = true; }

  /// Takes in what others have done and writes it out. False: fatal.
  bool sync(Reply::Sync how, bool uids);
  void tell_flags();  ///< "* FLAGS", "* OK [PERMANENTFLAGS"
  void append_flags(const mailbox::Message& message);

  /// The end: "* BYE text" is sent, the log says "Disconnected: reason".
  void disconnect(std::string bye, std::string reason);
  bool ending() const { return ending_; }
  void log(Severity severity, std::string_view text) { log_(severity, text); }
  /// NO with its response code for an error of the mailbox, in the original's
  /// words; what the client must not see goes to the log.
  Reply failure(const Error& error, std::string_view prefix = {});
  Statistics& statistics() { return statistics_; }
  net::Condition& changed() { return changed_; }

 private:
  net::Task<> run();
  net::Task<> handle(imap::Event event);
  net::Task<> run_command(imap::Command command);
  net::Task<> finish_command(std::string tag, Reply reply);
  void write_reply(std::string_view tag, const Reply& reply);
  void bad_line(const imap::BadCommand& bad);
  std::string time_text();
  void write_greeting(const Start& start);
  void write_expunges(const mailbox::Changes& changes);
  void write_flag_changes(const mailbox::Changes& changes, bool uids);
  std::string logout_text() const;
  std::string status_text() const;

  mailbox::Registry& registry_;
  net::Stream stream_;
  Account account_;
  Log log_;
  imap::ServerEngine engine_;
  std::unique_ptr<mailbox::Storage> storage_;
  std::unique_ptr<mailbox::Mailbox> selected_;
  std::string selected_name_;
  uint32_t told_messages_ = 0, told_recent_ = 0;
  size_t told_vanished_ = 0;  // lines so far
  mailview::OpenMessage message_;
  std::set<uint32_t> saved_search_;
  std::set<std::string> enabled_;
  net::Condition changed_;
  bool condstore_ = false, qresync_ = false, compressing_ = false;
  bool compression_due_ = false;
  bool ending_ = false, shutting_down_ = false;
  unsigned bad_commands_ = 0;
  std::string reason_;
  Statistics statistics_;
  // Times of the running command, and of what is told at the end.
  std::string last_command_;
  Instant command_began_, last_shared_, last_ended_;
  Duration command_waited_{};
};

}  // namespace mail::imapd
