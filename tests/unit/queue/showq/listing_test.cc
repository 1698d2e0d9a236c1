#include "queue/showq/listing.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "common/base/file.h"
#include "common/queue/delivery_log.h"
#include "common/queuefile/envelope.h"

using namespace mail;
using queuefile::Type;

namespace {

/// A queue directory of its own.
struct Queue {
  Queue() {
    REQUIRE(mkdtemp(name) != nullptr);
    layout = {.root = name, .hash_names = {}};
    for (const char* queue : {"deferred", "defer", "hold"}) {
      REQUIRE(mkdir(layout.directory(queue).c_str(), 0700) == 0);
    }
  }
  ~Queue() { std::filesystem::remove_all(name); }

  std::string add_message() {
    auto file = queue::create(layout, queue::kDeferred);
    REQUIRE(file);
    std::string out;
    queuefile::append_record(
        out, Type::Size,
        queuefile::format_sizes(
            {.content_size = 0, .content_offset = 0, .recipient_count = 3}));
    queuefile::append_record(out, Type::Time, "1795525194 5");
    queuefile::append_record(out, Type::Sender, "");
    queuefile::append_record(out, Type::Recipient, "first@example.com");
    queuefile::append_record(out, Type::DoneRecipient, "done@example.com");
    queuefile::append_record(out, Type::Recipient, "a b@example.com");
    queuefile::append_record(out, Type::Message, "");
    REQUIRE(write_all(file->fd.get(), out));
    REQUIRE(queue::finish(*file));
    return std::string(file->id.text());
  }
  void add_reason(const std::string& id, std::string recipient,
                  std::string reason) {
    queue::LogEntry entry;
    entry.recipient.recipient = std::move(recipient);
    entry.dsn.reason = std::move(reason);
    REQUIRE(queue::append_log(layout, queue::kDefer, id,
                              queue::format_log_entry(entry)));
  }
  /// As of a minute later, when no file is young.
  std::vector<ipc::ShowqMessage> list(showq::Listed* listed) {
    timespec later = showq::Listing::real_time();
    later.tv_sec += 60;
    std::string bytes;
    showq::Listing listing({.layout = layout, .null_sender = "MAILER-DAEMON"},
                           listed, later);
    while (listing.step(1, bytes)) {
    }
    std::vector<ipc::ShowqMessage> out;
    std::string_view rest = bytes;
    while (size_t size = ipc::message_size(rest)) {
      if (size == 1) break;
      auto message =
          ipc::decode<ipc::ShowqMessage>(rest.substr(0, size), "showq");
      REQUIRE(message);
      out.push_back(*message);
      rest.remove_prefix(size);
    }
    CHECK(rest == std::string_view("\0", 1));
    return out;
  }

  char name[32] = "/tmp/showq_test.XXXXXX";
  queue::Layout layout;
};

}  // namespace

TEST_CASE("Deferred mail is listed with reasons first", "[showq]") {
  Queue queue;
  queue.add_reason(queue.add_message(), "a b@example.com", "try later");
  auto messages = queue.list(nullptr);
  REQUIRE(messages.size() == 1);
  const auto& message = messages[0];
  CHECK(message.queue_name == "deferred");
  CHECK(message.time == 1795525194);
  CHECK(message.sender == "MAILER-DAEMON");
  REQUIRE(message.recipients.size() == 2);
  CHECK(message.recipients[0].recipient == "\"a b\"@example.com");
  CHECK(message.recipients[0].reason == "try later");
  CHECK(message.recipients[1].recipient == "first@example.com");
  CHECK(message.recipients[1].reason.empty());
}

TEST_CASE("A second listing tells what has changed", "[showq]") {
  Queue queue;
  showq::Listed listed;
  std::string id = queue.add_message();
  std::string file = queue.layout.path(queue::kDeferred, id);
  REQUIRE(queue.list(&listed).size() == 1);
  REQUIRE(queue.list(&listed).size() == 1);

  queue.add_reason(id, "first@example.com", "not now");
  auto messages = queue.list(&listed);
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].recipients[0].reason == "not now");

  REQUIRE(chmod(file.c_str(), 0700 | queue::kExpire) == 0);
  CHECK(queue.list(&listed)[0].forced_expire == 1);
  REQUIRE(rename(file.c_str(), queue.layout.path("hold", id).c_str()) == 0);
  CHECK(queue.list(&listed)[0].queue_name == "hold");
  REQUIRE(unlink(queue.layout.path("hold", id).c_str()) == 0);
  CHECK(queue.list(&listed).empty());
}

TEST_CASE("A listing is kept until its files change", "[showq]") {
  showq::Listed listed;
  showq::Listed::Stamps stamps;
  stamps.file.inode = 7;
  listed.begin();
  listed.keep("A", stamps, "bytes");
  CHECK(listed.find("A", stamps) == "bytes");
  auto other = stamps;
  other.log.size = 1;
  CHECK_FALSE(listed.find("A", other));
  listed.begin();
  listed.sweep();
  CHECK_FALSE(listed.find("A", stamps));
}

TEST_CASE("A file of this moment is young", "[showq]") {
  showq::FileStamp stamp;
  stamp.changed = {100, 0};
  CHECK(stamp.young({100, 5}));
  CHECK(stamp.young({90, 0}));
  CHECK_FALSE(stamp.young({160, 0}));
}
