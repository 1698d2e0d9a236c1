#include <catch2/catch.hpp>

#include "common/ipc/anvil.h"
#include "common/ipc/bounce.h"
#include "common/ipc/delivery.h"
#include "common/ipc/showq.h"

using namespace mail;
using namespace std::string_literals;

TEST_CASE("attributes are written as the originals write them", "[ipc]") {
  std::string out;
  ipc::encode(ipc::StatusReason{-1, "no"}, out);
  CHECK(out == "status\0004294967295\0reason\0no\0\0"s);
  out.clear();
  ipc::encode(ipc::AnvilRequest{"connect", "smtp:192.0.2.1"}, out,
              ipc::Form::Plain);
  CHECK(out == "request=connect\nident=smtp:192.0.2.1\n\n");
}

TEST_CASE("what is written is read back", "[ipc]") {
  ipc::DeliveryRequest request;
  request.queue_id = "53E8BA94122";
  request.time.bytes = std::string(88, '\7');
  request.recipient_count = 2;
  request.data_offset = 894;
  std::string out;
  ipc::encode(request, out);
  CHECK(ipc::message_size(out) == out.size());
  auto back = ipc::decode<ipc::DeliveryRequest>(out, "test");
  REQUIRE(back);
  CHECK(back->queue_id == request.queue_id);
  CHECK(back->time.bytes == request.time.bytes);
  CHECK(back->data_offset == 894);
  CHECK(ipc::decode<ipc::StatusReason>("status\0004294967295\0reason\0\0\0"s,
                                       "test")
            ->status == -1);
}

TEST_CASE("order and names are part of a message", "[ipc]") {
  auto unexpected = ipc::decode<ipc::StatusReason>("reason\0x\0\0"s, "peer");
  REQUIRE_FALSE(unexpected);
  CHECK(unexpected.error().what ==
        "unexpected attribute reason from peer (expecting: status)");
  auto missing = ipc::decode<ipc::StatusReason>("status\0000\0\0"s, "peer");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().what == "missing attribute reason in input from peer");
  CHECK_FALSE(ipc::decode<ipc::Status>("status\0000\0more\0x\0\0"s, "peer"));
  CHECK_FALSE(ipc::decode<ipc::Status>("status\0-x\0\0"s, "peer"));
}

TEST_CASE("a message is cut at every byte: not whole, never misread", "[ipc]") {
  ipc::ShowqMessage message;
  message.queue_name = "deferred";
  message.recipients = {{"a@b", "why"}, {"c@d", ""}};
  std::string out;
  ipc::encode(message, out);
  for (size_t cut = 0; cut < out.size(); ++cut) {
    CHECK(ipc::message_size(out.substr(0, cut)) == 0);
  }
  auto back = ipc::decode<ipc::ShowqMessage>(out, "test");
  REQUIRE(back);
  REQUIRE(back->recipients.size() == 2);
  CHECK(back->recipients[0].reason == "why");
  CHECK(ipc::message_size("\0"s) == 1);
}

TEST_CASE("a value cannot end its attribute early", "[ipc]") {
  std::string out;
  ipc::encode(ipc::AnvilRequest{"a\nrequest=b", ""}, out, ipc::Form::Plain);
  CHECK(out == "request=a request=b\nident=\n\n");
}
