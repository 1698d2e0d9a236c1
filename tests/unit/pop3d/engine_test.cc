#include "pop3d/engine.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

namespace mail::pop3d {
namespace {

class FakeDrop : public Maildrop {
 public:
  explicit FakeDrop(std::vector<std::string> texts)
      : texts_(std::move(texts)) {}
  uint32_t count() const override {
    return static_cast<uint32_t>(texts_.size());
  }
  uint64_t size(uint32_t message) const override {
    uint64_t size = 0;
    char before = 0;
    for (char c : text(message)) {
      size += c == '\n' && before != '\r' ? 2 : 1;
      before = c;
    }
    return size;
  }
  std::string uidl(uint32_t message) override {
    return fmt::format("{:08x}6b05a426", message);
  }
  const std::string& text(uint32_t message) const {
    return texts_[message - 1];
  }

 private:
  std::vector<std::string> texts_;
};

FakeDrop bobs() {
  return FakeDrop({"From: a@b\nSubject: one\n\nline1\n.dot\nline3\n",
                   "From: a@b\r\nSubject: two\r\n\r\nline1\r\nline2",
                   "Subject: three", "From a@b Thu\nSubject: 4\n\nbody\n\n"});
}

/// Runs `input` cut into pieces of `step` bytes; all output.
struct Session {
  explicit Session(size_t piece = 1 << 20, Limits limits = {})
      : step(piece), drop(bobs()), engine(limits, drop) {}

  std::string say(std::string_view input) {
    std::string out;
    auto drain = [&] {
      while (auto event = engine.next_event()) on(*event);
      out += engine.pending();
      engine.sent(engine.pending().size());
    };
    while (!input.empty() && closed.empty()) {
      auto taken = engine.receive(input.substr(0, step));
      input.remove_prefix(taken);
      drain();
      if (!taken) break;
    }
    return out;
  }
  void on(const Event& event) {
    if (auto* r = std::get_if<Retrieve>(&event)) {
      if (r->message == gone) return engine.gone();
      engine.begin_content();
      std::string_view text = drop.text(r->message);
      while (!text.empty()) {
        if (!engine.content(text.substr(0, step))) break;
        text.remove_prefix(std::min(step, text.size()));
      }
      engine.end_content();
    } else if (std::get_if<Update>(&event)) {
      engine.quit_done(update_works, "[SYS/TEMP] Not now.");
      closed = "Logged out";
    } else if (auto* c = std::get_if<Closed>(&event)) {
      closed = c->reason;
    }
  }

  size_t step;
  FakeDrop drop;
  Engine engine;
  uint32_t gone = 0;
  bool update_works = true;
  std::string closed;
};

constexpr std::string_view kDialogue =
    "STAT\r\nLIST\r\nLIST 1\r\nUIDL 2\r\nuidl\r\nRETR 1\r\nRETR 2\r\n"
    "RETR 3\nTOP 1 0\r\nTOP 1 1\r\nTOP 1 99\r\nDELE 1\r\nSTAT\r\n"
    "LIST\r\nRSET foo\r\nDELE 2\r\nquit foo\r\n";
constexpr std::string_view kReplies =
    "+OK 4 136\r\n"
    "+OK 4 messages:\r\n1 47\r\n2 39\r\n3 14\r\n4 36\r\n.\r\n"
    "+OK 1 47\r\n"
    "+OK 2 000000026b05a426\r\n"
    "+OK\r\n1 000000016b05a426\r\n2 000000026b05a426\r\n"
    "3 000000036b05a426\r\n4 000000046b05a426\r\n.\r\n"
    "+OK 47 octets\r\nFrom: a@b\r\nSubject: one\r\n\r\nline1\r\n..dot\r\n"
    "line3\r\n.\r\n"
    "+OK 39 octets\r\nFrom: a@b\r\nSubject: two\r\n\r\nline1\r\nline2\r\n.\r\n"
    "+OK 14 octets\r\nSubject: three\r\n.\r\n"
    "+OK\r\nFrom: a@b\r\nSubject: one\r\n\r\n.\r\n"
    "+OK\r\nFrom: a@b\r\nSubject: one\r\n\r\nline1\r\n.\r\n"
    "+OK\r\nFrom: a@b\r\nSubject: one\r\n\r\nline1\r\n..dot\r\nline3\r\n.\r\n"
    "+OK Marked to be deleted.\r\n"
    "+OK 3 89\r\n"
    "+OK 3 messages:\r\n2 39\r\n3 14\r\n4 36\r\n.\r\n"
    "+OK\r\n"
    "+OK Marked to be deleted.\r\n"
    "+OK Logging out, messages deleted.\r\n";

TEST_CASE("A session gets Dovecot's replies, however its bytes are cut") {
  for (size_t step = 1; step < kDialogue.size() + 2; ++step) {
    Session session(step);
    REQUIRE(session.say(kDialogue) == kReplies);
  }
}

TEST_CASE("Counters are those of Dovecot's log line") {
  Session session(7);
  session.say(
      "RETR 1\r\nRETR 2\r\nRETR 3\r\nRETR 4\r\nTOP 1 0\r\nTOP 1 1\r\n"
      "TOP 1 99\r\nDELE 2\r\nQUIT\r\n");
  const auto& c = session.engine.counters();
  CHECK(c.top_count == 3);
  CHECK(c.top_bytes == 124);
  CHECK(c.retr_count == 4);
  CHECK(c.retr_bytes == 201);
  CHECK(c.deleted_count == 1);
  CHECK(session.closed == "Logged out");
}

TEST_CASE("Mistakes are answered in Dovecot's words") {
  const std::pair<const char*, const char*> cases[] = {
      {"LIST 9", "There's no message 9."},
      {"LIST x", "Invalid message number: x"},
      {"LIST 0", "There's no message 0."},
      {"LIST 1 2", "Noise after message number:  2"},
      {"LIST 99999999999", "Message number too large: "},
      {"LIST -1", "Invalid message number: -1"},
      {"RETR", "Invalid message number: "},
      {"RETR 1 x", "Noise after message number:  x"},
      {"TOP", "Invalid message number: "},
      {"TOP 1", "Noise after message number: "},
      {"TOP 1 x", "Invalid size: x"},
      {"TOP 1 1 x", "Noise after size:  x"},
      {"DELE 9", "There's no message 9."},
      {"LAST", "Unknown command: LAST"},
      {"xfoo y", "Unknown command: XFOO"},
      {"", "Unknown command."},
      {" NOOP", "Unknown command."},
  };
  for (auto& [command, text] : cases) {
    Session session;
    CHECK(session.say(fmt::format("{}\r\n", command)) ==
          fmt::format("-ERR {}\r\n", text));
  }
  Session session;
  session.say("DELE 1\r\n");
  for (auto command : {"DELE 1", "RETR 1", "LIST 1", "UIDL 1", "TOP 1 1"}) {
    CHECK(session.say(fmt::format("{}\r\n", command)) ==
          "-ERR Message is deleted.\r\n");
  }
}

TEST_CASE("The 21st bad command in a row ends the session") {
  Session session;
  for (int i = 0; i < 20; ++i) session.say("FOO\r\n");
  session.say("NOOP\r\n");
  for (int i = 0; i < 20; ++i) session.say("FOO\r\n");
  CHECK(session.closed.empty());
  CHECK(session.say("FOO\r\nNOOP\r\n") ==
        "-ERR Unknown command: FOO\r\n-ERR Too many bad commands.\r\n");
  CHECK(session.closed == "Too many bad commands.");
}

TEST_CASE("A line without end is refused at the limit") {
  Session session(100);
  CHECK(session.say(std::string(9000, 'a')) == "-ERR Input line too long.\r\n");
  CHECK(session.closed == "Input line too long");
}

TEST_CASE("A message expunged elsewhere is said to be, once") {
  Session session;
  session.gone = 2;
  CHECK(session.say("RETR 2\r\nRETR 1\r\n")
            .starts_with("-ERR Message 2 expunged.\r\n+OK 47 octets\r\n"));
}

TEST_CASE("A mailbox that could not be updated is said so") {
  Session session;
  session.update_works = false;
  CHECK(session.say("DELE 1\r\nQUIT\r\n") ==
        "+OK Marked to be deleted.\r\n-ERR [SYS/TEMP] Not now.\r\n");
  CHECK(session.engine.counters().deleted_count == 0);
}

TEST_CASE("Workarounds for old clients change content only") {
  Session eoh(3, Limits{.end_of_header = true});
  CHECK(eoh.say("RETR 3\r\n") ==
        "+OK 14 octets\r\nSubject: three\r\n\r\n.\r\n");
  Session last(3, Limits{.enable_last = true});
  CHECK(last.say("RETR 3\r\nLAST\r\nRSET\r\nLAST\r\n")
            .ends_with("+OK 3\r\n+OK\r\n+OK 0\r\n"));
}

}  // namespace
}  // namespace mail::pop3d
