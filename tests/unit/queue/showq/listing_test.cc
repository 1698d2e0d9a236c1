#include "queue/showq/listing.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "common/base/file.h"
#include "common/queue/delivery_log.h"
#include "common/queuefile/envelope.h"

using namespace mail;
using queuefile::Type;

TEST_CASE("Deferred mail is listed with reasons first", "[showq]") {
  char name[] = "/tmp/showq_test.XXXXXX";
  REQUIRE(mkdtemp(name) != nullptr);
  queue::Layout layout{.root = name, .hash_names = {}};
  for (const char* queue : {"deferred", "defer"}) {
    REQUIRE(mkdir(layout.directory(queue).c_str(), 0700) == 0);
  }
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
  queue::LogEntry entry;
  entry.recipient.recipient = "a b@example.com";
  entry.dsn.reason = "try later";
  REQUIRE(queue::append_log(layout, queue::kDefer, file->id.text(),
                            queue::format_log_entry(entry)));

  std::string list;
  showq::Listing listing({.layout = layout, .null_sender = "MAILER-DAEMON"});
  while (listing.step(1, list)) {
  }
  size_t size = ipc::message_size(list);
  auto message = ipc::decode<ipc::ShowqMessage>(list.substr(0, size), "showq");
  REQUIRE(message);
  CHECK(list.substr(size) == std::string(1, '\0'));
  CHECK(message->queue_name == "deferred");
  CHECK(message->time == 1795525194);
  CHECK(message->sender == "MAILER-DAEMON");
  REQUIRE(message->recipients.size() == 2);
  CHECK(message->recipients[0].recipient == "\"a b\"@example.com");
  CHECK(message->recipients[0].reason == "try later");
  CHECK(message->recipients[1].recipient == "first@example.com");
  CHECK(message->recipients[1].reason.empty());
  std::filesystem::remove_all(name);
}
