#include "common/imap/server_engine.h"

#include <catch2/catch.hpp>

using namespace mail::imap;

namespace {

/// Feeds bytes in given pieces and writes down what comes out.
class Driver {
 public:
  bool refuse = false;
  std::string log;

  void feed(std::string_view bytes) {
    held_ += bytes;
    while (true) {
      auto event = engine_.next(held_);
      size_t used = engine_.consumed();
      answer();
      if (event) note(*event);
      answer();
      held_.erase(0, used);
      if (!event && used == 0) break;
    }
  }
  size_t held() const { return held_.size(); }

 private:
  void answer() {
    std::string pending = engine_.take_pending();
    if (!pending.empty()) flush_body();
    log += pending;
  }
  void flush_body() {
    if (!body_.empty()) log += "body<" + body_ + ">\n";
    body_.clear();
  }
  void note(Event& event) {
    if (auto* bytes = std::get_if<AppendBytes>(&event)) {
      body_ += bytes->bytes;
      if (bytes->last) flush_body();
      return;
    }
    flush_body();
    if (auto* c = std::get_if<Command>(&event)) {
      log += c->tag + " " + c->name + " " + std::to_string(c->args.size());
      for (const Arg& arg : c->args) log += "<" + arg.text + ">";
      log += "\n";
      if (c->name == "IDLE") engine_.expect_line();
    } else if (auto* b = std::get_if<BadCommand>(&event)) {
      log += b->tag + " BAD " + b->name + ": " + b->what + "\n";
    } else if (auto* f = std::get_if<Fatal>(&event)) {
      log += "BYE " + f->what + "\n";
    } else if (auto* a = std::get_if<AppendMessage>(&event)) {
      log += a->tag + " message " + std::to_string(a->literal.size) + "\n";
      if (refuse) {
        log += a->tag + " NO\n";
        engine_.refuse_message();
      } else {
        engine_.accept_message();
      }
    } else if (std::get_if<AppendEnd>(&event)) {
      log += "end\n";
    } else if (auto* l = std::get_if<Line>(&event)) {
      log += "line<" + l->text + ">\n";
    }
  }

  ServerEngine engine_{ServerEngine::Limits{}};
  std::string held_, body_;
};

std::string run(std::string_view input, size_t piece, bool refuse = false) {
  Driver driver;
  driver.refuse = refuse;
  for (size_t at = 0; at < input.size(); at += piece) {
    driver.feed(input.substr(at, piece));
  }
  return driver.log;
}

constexpr std::string_view kDialogue =
    "a NOOP\r\n"
    "b select \"in box\"\n"
    "c UID fetch 1:* (FLAGS UID)\r\n"
    "d LOGIN {3}\r\nabc {2+}\r\nde\r\n"
    "e APPEND box (\\Seen) {5+}\r\nhello {3}\r\nxyz\r\n"
    "f IDLE\r\nDONE\r\n"
    "g FOO \"unterminated\r\n"
    "\r\n"
    "h\r\n"
    "i UID\r\n"
    "j LIST \"\" (\r\n"
    "k NOOP\r\n";

constexpr std::string_view kExpected =
    "a NOOP 0\n"
    "b SELECT 1<in box>\n"
    "c UID FETCH 2<1:*><>\n"
    "+ OK\r\n"
    "d LOGIN 2<abc><de>\n"
    "e message 5\n"
    "body<hello>\n"
    "e message 3\n"
    "+ OK\r\n"
    "body<xyz>\n"
    "end\n"
    "f IDLE 0\n"
    "line<DONE>\n"
    "g BAD FOO: Missing '\"'\n"
    "* BAD : Invalid tag\n"
    "h BAD : Invalid command name\n"
    "i BAD : Invalid command name\n"
    "j BAD LIST: Missing ')'\n"
    "k NOOP 0\n";

}  // namespace

TEST_CASE("a conversation comes out whole, whatever its pieces", "[engine]") {
  CHECK(run(kDialogue, kDialogue.size()) == kExpected);
  for (size_t piece = 1; piece < 40; ++piece) {
    INFO(piece);
    REQUIRE(run(kDialogue, piece) == kExpected);
  }
}

TEST_CASE("a refused message's bytes are no commands", "[engine]") {
  constexpr std::string_view input =
      "a APPEND box {6+}\r\nx NOOP {2+}\r\nyz\r\nb NOOP\r\n";
  for (size_t piece : {size_t{1}, size_t{7}, input.size()}) {
    CHECK(run(input, piece, true) == "a message 6\na NO\nb NOOP 0\n");
  }
}

TEST_CASE("a client that asks first sends nothing when refused", "[engine]") {
  CHECK(run("a APPEND box {6}\r\nb NOOP\r\n", 1, true) ==
        "a message 6\na NO\nb NOOP 0\n");
}

TEST_CASE("huge lines and literals are refused, memory bounded", "[engine]") {
  Driver driver;
  driver.feed("a FETCH ");
  for (int i = 0; i < 100; ++i) {
    driver.feed(std::string(8192, 'x'));
    CHECK(driver.held() <= 65536 + 8192);
  }
  driver.feed("\r\nb NOOP\r\n");
  CHECK(driver.log == "a BAD FETCH: Too long argument\nb NOOP 0\n");
  CHECK(run("a SELECT {3000000}\r\n", 4) == "BYE Literal size too large\n");
}
