#pragma once

#include <optional>
#include <string>

#include "common/ipc/showq.h"
#include "common/queue/scanner.h"
#include "common/queue/spool.h"
#include "queue/showq/listed.h"

namespace mail::showq {

/// Everything in the queues that mailq(1) shows: maildrop, active, incoming,
/// deferred, hold, in this order. Waits for the disk: run it on a worker.
class Listing {
 public:
  static timespec real_time();
  struct Options {
    queue::Layout layout;
    std::string null_sender;  ///< empty_address_recipient
    bool utf8 = true;         ///< addresses may be UTF-8
  };
  /// listed: what an earlier listing saw; null: nothing is kept.
  /// now: a file that changed just before it is not kept there.
  explicit Listing(Options options, Listed* listed = nullptr,
                   timespec now = real_time());

  /// Appends encoded messages of about `size` bytes, and the end mark after
  /// the last. False: that was all. Queues and files that cannot be read are
  /// passed over.
  bool step(size_t size, std::string& out);

 private:
  bool open_next();
  void add(std::string_view directory, std::string_view id, std::string& out);
  Listed::Stamps stamps_of(const struct stat& status, std::string_view id);
  std::optional<ipc::ShowqMessage> read(const std::string& path,
                                        const struct stat& status,
                                        std::string_view id);
  void add_reasons(ipc::ShowqMessage& message);
  std::string shown(std::string_view address) const;

  bool shows_reasons() const;

  Options options_;
  Listed* listed_;
  timespec now_;
  size_t next_queue_ = 0;
  std::string queue_;
  std::optional<queue::Scanner> scanner_;
  std::string buffer_;  // for one log
};

}  // namespace mail::showq
