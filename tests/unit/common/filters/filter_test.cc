// The client's side against a filter that a test writes by hand.
#include <sys/socket.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "common/filters/filters.h"
#include "common/log/log.h"
#include "common/milter/packet.h"
#include "common/net/task_set.h"

using namespace mail;
using namespace std::string_literals;
using namespace std::chrono_literals;
using filters::Verdict;
using net::Task;

namespace {

/// Answers each event with what `answers` says for its command byte ("c" if
/// nothing), and notes what it hears.
struct FakeFilter {
  std::map<char, std::vector<std::string>> answers;  // packets, code first
  uint32_t protocol = 0;
  std::string silent;              // codes of events that are not answered
  std::vector<std::string> heard;  // "M<a@b>", "DMi"
  net::TaskSet tasks;

  static Task<> serve(FakeFilter* self, net::Stream stream) {
    while (true) {
      std::string_view input = stream.input();
      auto packet = milter::take_packet(input);
      REQUIRE(packet);
      if (!*packet) {
        auto got = co_await stream.fill(net::Deadline::in(5s));
        if (!got || *got == 0) co_return;
        continue;
      }
      stream.consume(stream.input().size() - input.size());
      self->answer(**packet, stream.output());
      auto sent = co_await stream.flush(net::Deadline::in(5s));
      if (!sent) co_return;
    }
  }

  void answer(const milter::Packet& packet, std::string& out) {
    heard.push_back(packet.code +
                    packet.data.substr(0, packet.data.find('\0')));
    if (packet.code == 'O') {
      std::string data;
      for (uint32_t n : {6u, 0x1FFu, protocol}) milter::append_number(data, n);
      milter::append_packet(out, 'O', data);
      return;
    }
    if (packet.code == 'D' || packet.code == 'A' || packet.code == 'Q') return;
    if (silent.find(packet.code) != std::string::npos) return;
    auto at = answers.find(packet.code);
    if (at == answers.end()) {
      milter::append_packet(out, 'c', "");
      return;
    }
    for (const auto& reply : at->second) {
      milter::append_packet(out, reply[0], reply.substr(1));
    }
  }

  filters::Connector connector() {
    return [this](std::string, net::Deadline) -> Task<Result<UniqueFd>> {
      return connect(this);
    };
  }
  static Task<Result<UniqueFd>> connect(FakeFilter* self) {
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    self->tasks.start(serve(self, net::Stream(UniqueFd(fds[1]))));
    co_return UniqueFd(fds[0]);
  }
};

Task<Result<UniqueFd>> refuse() {
  co_return fail_errno("connect to x", ECONNREFUSED);
}

struct Text : filters::Message {
  std::vector<Header> headers = {{"Subject", " x"}, {"To", "a"}};
  std::string body = "body\r\n";
  size_t at = 0;
  bool body_read = false;
  std::vector<milter::Edit> edits;
  Result<> rewind() override {
    at = 0;
    return {};
  }
  Result<std::optional<Header>> next_header() override {
    if (at == headers.size()) return std::optional<Header>();
    return std::optional<Header>(headers[at++]);
  }
  Result<std::string> next_body(size_t) override {
    return std::exchange(body_read, true) ? std::string() : body;
  }
  Result<> apply(const milter::Edit& edit) override {
    edits.push_back(edit);
    return {};
  }
};

std::optional<std::string> no_macros(std::string_view) { return std::nullopt; }

struct Walk {
  std::vector<Verdict> verdicts;
  Text message;
};

Task<Walk> walk(filters::Filters* filters) {
  Walk out;
  filters::MacroSource macros = no_macros;
  std::optional<net::Endpoint> nobody;
  auto verdict = co_await filters->connect("host", nobody, macros);
  out.verdicts.push_back(verdict);
  verdict = co_await filters->helo("helo", macros);
  out.verdicts.push_back(verdict);
  std::vector<std::string> arguments{"<a@b>", "SIZE=1"};
  verdict = co_await filters->mail(arguments, macros);
  out.verdicts.push_back(verdict);
  arguments = {"<c@d>"};
  verdict = co_await filters->rcpt(arguments, macros);
  out.verdicts.push_back(verdict);
  verdict = co_await filters->data(macros);
  out.verdicts.push_back(verdict);
  verdict = co_await filters->message(out.message, macros);
  out.verdicts.push_back(verdict);
  co_await filters->abort();
  co_await filters->quit();
  co_return out;
}

Walk run(FakeFilter& fake, filters::Config config = {}) {
  config.name = "inet:test:1";
  filters::Filters filters({config}, milter::MacroLists{}, fake.connector());
  Walk out = net::loop().run(walk(&filters));
  net::loop().run(fake.tasks.drained());
  return out;
}

}  // namespace

TEST_CASE("a filter hears the session in order", "[filters]") {
  net::Loop loop;
  FakeFilter fake;
  auto out = run(fake);
  for (const auto& verdict : out.verdicts) CHECK(verdict.goes_on());
  CHECK(fake.heard == std::vector<std::string>{
                          "O",         "DC", "Chost",  "DH", "Hhelo", "DM",
                          "M<a@b>",    "DR", "R<c@d>", "DT", "T",     "DL",
                          "LSubject",  "DL", "LTo",    "DN", "N",     "DB",
                          "Bbody\r\n", "DE", "E",      "A",  "Q"});
}

namespace {

Task<> walk_to_content(filters::Filters* filters) {
  filters::MacroSource macros = no_macros;
  std::optional<net::Endpoint> nobody;
  (void)co_await filters->connect("host", nobody, macros);
  std::vector<std::string> arguments{"<a@b>"};
  (void)co_await filters->mail(arguments, macros);
  (void)co_await filters->rcpt(arguments, macros);
  co_await filters->members()[0].send_pending();
  // The end of the connection, as another process would see it go on.
  filters->members()[0].suspend().fd.reset();
}

}  // namespace

TEST_CASE("what waits for an answer of others is sent before a hand-over",
          "[filters]") {
  net::Loop loop;
  FakeFilter fake;
  fake.protocol = 0x4000 | 0x8000;  // MAIL and RCPT are not answered
  fake.silent = "MR";
  filters::Config config;
  config.name = "inet:test:1";
  filters::Filters filters({config}, milter::MacroLists{}, fake.connector());
  net::loop().run(walk_to_content(&filters));
  net::loop().run(fake.tasks.drained());
  CHECK(fake.heard == std::vector<std::string>{"O", "DC", "Chost", "DM",
                                               "M<a@b>", "DR", "R<a@b>"});
}

TEST_CASE("what a filter does not want is not sent", "[filters]") {
  net::Loop loop;
  FakeFilter fake;
  fake.protocol = 0x2 | 0x20 | 0x10;  // no HELO, headers, body
  run(fake);
  for (const auto& heard : fake.heard) {
    CHECK(heard.substr(0, 1) != "H");
    CHECK(heard.substr(0, 1) != "L");
    CHECK(heard.substr(0, 1) != "B");
  }
}

TEST_CASE("a refused recipient is that recipient's own affair", "[filters]") {
  net::Loop loop;
  FakeFilter fake;
  fake.answers['R'] = {"y550 5.7.1 no\0"s};
  auto out = run(fake);
  CHECK(out.verdicts[3].kind == Verdict::Kind::Reject);
  CHECK(out.verdicts[3].reply == "550 5.7.1 no");
  CHECK(out.verdicts[5].goes_on());
}

TEST_CASE("refused at connect is refused for the session", "[filters]") {
  net::Loop loop;
  FakeFilter fake;
  fake.answers['C'] = {"r"};
  auto out = run(fake);
  for (const auto& verdict : out.verdicts) {
    CHECK(verdict.reply == "550 5.7.1 Command rejected");
  }
}

TEST_CASE("accept ends the filter's part in this message only", "[filters]") {
  net::Loop loop;
  FakeFilter fake;
  fake.answers['M'] = {"a"};
  auto out = run(fake);
  for (const auto& verdict : out.verdicts) CHECK(verdict.goes_on());
  CHECK(std::find(fake.heard.begin(), fake.heard.end(), "R<c@d>") ==
        fake.heard.end());
}

TEST_CASE("edits come with the end of the message, in order", "[filters]") {
  net::Loop loop;
  FakeFilter fake;
  fake.answers['E'] = {"hX-A\0 b\0"s, "p", "qwhy\0"s, "+<e@f>\0"s, "c"};
  auto out = run(fake);
  CHECK(out.verdicts[5].kind == Verdict::Kind::Hold);
  REQUIRE(out.message.edits.size() == 2);
  CHECK(out.message.edits[0].name == "X-A");
  CHECK(out.message.edits[1].kind == milter::Edit::Kind::AddRecipient);
}

TEST_CASE("without an answer the default action counts", "[filters]") {
  net::Loop loop;
  log::Config quiet;
  quiet.file_only = true;
  log::open(quiet);
  struct {
    const char* action;
    bool goes_on;
    const char* reply;
  } cases[] = {
      {"accept", true, ""},
      {"tempfail", false, "451 4.7.1 Service unavailable - try again later"},
      {"reject", false, "550 5.5.0 Service unavailable"},
      {"nonsense", false,
       "451 4.3.5 Server configuration problem - try again later"}};
  for (const auto& c : cases) {
    filters::Config config;
    config.name = "inet:test:1";
    config.default_action = c.action;
    filters::Filters down({config}, milter::MacroLists{},
                          [](std::string, net::Deadline) { return refuse(); });
    auto out = loop.run(walk(&down));
    for (const auto& verdict : out.verdicts) {
      CHECK(verdict.goes_on() == c.goes_on);
      CHECK(verdict.reply == c.reply);
    }
    FakeFilter broken;
    broken.answers['M'] = {"Z"};
    auto later = run(broken, config);
    CHECK(later.verdicts[1].goes_on());
    CHECK(later.verdicts[2].goes_on() == c.goes_on);
    CHECK(later.verdicts[5].goes_on() == c.goes_on);
  }
}
