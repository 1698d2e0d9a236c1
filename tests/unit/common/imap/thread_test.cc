#include "common/imap/thread.h"

#include <catch2/catch.hpp>

using namespace mail::imap;

namespace {
struct Sample {
  ThreadMessage message;
  std::vector<uint64_t> references;
};

Sample message(uint32_t number, std::string id,
               const std::vector<std::string>& references,
               std::string subject = "S", bool reply = false) {
  Sample out;
  out.message.number = number;
  out.message.date = number * 100;
  out.message.id = thread_key(id);
  out.message.subject = thread_key(subject);
  out.message.reply = reply;
  for (const std::string& one : references) {
    out.references.push_back(thread_key(one));
  }
  return out;
}

std::string threads(ThreadAlgorithm algorithm, const std::vector<Sample>& box) {
  ThreadInput input;
  for (const Sample& one : box) input.add(one.message, one.references);
  return thread_text(algorithm, input);
}
}  // namespace

TEST_CASE("threads by references", "[thread]") {
  std::vector<Sample> box = {
      message(1, "a", {}, "A"),          message(2, "b", {}, "B"),
      message(3, "c", {"a"}, "A", true), message(4, "d", {"a", "c"}, "A", true),
      message(5, "e", {"a"}, "A", true),
  };
  CHECK(threads(ThreadAlgorithm::References, box) == "(1 (3 4)(5))(2)");
  // REFS: the thread of 1 has the later message.
  CHECK(threads(ThreadAlgorithm::Refs, box) == "(2)(1 (3 4)(5))");
}

TEST_CASE("a missing parent holds its children together", "[thread]") {
  std::vector<Sample> box = {
      message(1, "b", {"gone"}, "X", true),
      message(2, "c", {"gone"}, "X", true),
  };
  CHECK(threads(ThreadAlgorithm::Refs, box) == "((1)(2))");
  box.pop_back();
  CHECK(threads(ThreadAlgorithm::Refs, box) == "(1)");
}

TEST_CASE("same subjects are merged by REFERENCES alone", "[thread]") {
  std::vector<Sample> box = {
      message(1, "a", {}, "HELLO"), message(2, "b", {}, "HELLO", true),
      message(3, "c", {}, "HELLO"), message(4, "d", {}, ""),
      message(5, "e", {}, ""),
  };
  CHECK(threads(ThreadAlgorithm::References, box) == "((1 2)(3))(4)(5)");
  CHECK(threads(ThreadAlgorithm::Refs, box) == "(1)(2)(3)(4)(5)");
}

TEST_CASE("loops and doubled ids do no harm", "[thread]") {
  std::vector<Sample> box = {
      message(1, "a", {"b"}, "1"),
      message(2, "b", {"a"}, "2"),
      message(3, "a", {"a"}, "3"),
      message(4, "", {"", "x"}, "4"),
  };
  std::string text = threads(ThreadAlgorithm::Refs, box);
  for (const char* number : {"1", "2", "3", "4"}) {
    CHECK(text.find(number) != std::string::npos);
  }
}

TEST_CASE("ordered by subject", "[thread]") {
  std::vector<Sample> box = {
      message(1, "", {}, "B"),
      message(2, "", {}, "A"),
      message(3, "", {}, "B"),
      message(4, "", {}, "B"),
  };
  CHECK(threads(ThreadAlgorithm::OrderedSubject, box) == "(1 (3)(4))(2)");
}

TEST_CASE("a chain of any length needs no stack", "[thread]") {
  std::vector<Sample> box;
  for (uint32_t i = 1; i <= 20000; ++i) {
    box.push_back(
        message(i, "id" + std::to_string(i), {"id" + std::to_string(i - 1)}));
  }
  CHECK(threads(ThreadAlgorithm::Refs, box).starts_with("(1 2 3"));
}

TEST_CASE("message ids are read from headers", "[thread]") {
  CHECK(read_message_ids("<a@b>\n <\"c\"@d> junk <e @f> <nodomain>") ==
        std::vector<std::string>{"a@b", "c@d", "e@f"});
}
