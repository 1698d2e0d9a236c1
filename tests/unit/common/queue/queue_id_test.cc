#include "common/queue/queue_id.h"

#include <fmt/core.h>

#include <catch2/catch.hpp>

using namespace mail::queue;

TEST_CASE("A short id is microseconds and inode", "[queue]") {
  auto id = QueueId::make(IdForm::Short, 1795490254, 0x53E8B, 0xA94122);
  CHECK(id.text() == "53E8BA94122");
  CHECK(id_form(id.text()) == IdForm::Short);
  CHECK(claimed_inode(id.text()).value() == 0xA94122);
  CHECK(hash_text(id.text()) == "53E8BA94122");
  CHECK(with_inode(id.text(), 0x1F).value().text() == "53E8B1F");
  CHECK(QueueId::make(IdForm::Short, 0, 7, 1).text() == "000071");
}

TEST_CASE("A long id keeps time and inode apart", "[queue]") {
  for (long usec : {0L, 7L, 999999L}) {
    auto id = QueueId::make(IdForm::Long, 1795490254, usec, 11092258);
    CHECK(id_form(id.text()) == IdForm::Long);
    CHECK(id.text().find('z') == 10);
    CHECK(claimed_inode(id.text()).value() == 11092258);
    CHECK(hash_text(id.text()) == fmt::format("{:05X}", usec));
    CHECK(claimed_inode(with_inode(id.text(), 51).value().text()).value() ==
          51);
  }
}

TEST_CASE("An id is letters, digits and underscores", "[queue]") {
  CHECK(QueueId::parse("53E8BA94122"));
  CHECK(QueueId::parse("a_b"));
  CHECK_FALSE(QueueId::parse(""));
  CHECK_FALSE(QueueId::parse("../etc"));
  CHECK_FALSE(QueueId::parse("12345.678"));
  CHECK_FALSE(QueueId::parse(std::string(256, 'A')));
  CHECK_FALSE(claimed_inode("1234"));
  CHECK_FALSE(claimed_inode("12345XYZ"));
}
