#pragma once

#include <functional>

#include "common/queue/spool.h"

namespace mail::postsuper {

/// What postsuper(1) does to messages.
enum class Action { Delete, Requeue, Expire, Hold, Release, ExpireRelease };

struct Counts {
  long deleted = 0, requeued = 0, renamed = 0, expired = 0, held = 0,
       released = 0;
};

struct Voice {
  std::function<void(const std::string&)> info, warn, error;
};

/// The queues in the order they are walked. Logs are bounce, defer, flush:
/// their files are no messages.
const std::vector<std::string>& default_queues();
bool is_message_queue(std::string_view queue);

/// Acts on messages. `queues`: the message queues to look in.
/// Errors: of the file system; what is not there is not an error.
class Actions {
 public:
  Actions(queue::Layout layout, std::vector<std::string> queues, Voice voice)
      : layout_(std::move(layout)),
        queues_(std::move(queues)),
        voice_(std::move(voice)) {}

  /// One message by its id; says what it did.
  Result<> one(Action action, std::string_view id);
  /// Each message of the queues; only counts.
  Result<> all(Action action);
  const Counts& counts() const { return counts_; }

 private:
  struct Place {
    std::string queue, path;
    struct stat st;
  };
  bool find(std::string_view queue, std::string_view id, Place& place) const;
  Result<bool> apply(Action action, std::string_view id, const Place& place);
  Result<> remove_one(std::string_view id);
  Result<> remove_all();
  Result<bool> expire(const Place& place);
  Result<bool> move(std::string_view id, const Place& place,
                    std::string_view to, long& count);

  queue::Layout layout_;
  std::vector<std::string> queues_;
  Voice voice_;
  Counts counts_;
};

}  // namespace mail::postsuper
