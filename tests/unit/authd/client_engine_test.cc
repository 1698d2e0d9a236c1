#include "authd/client_engine.h"

#include <catch2/catch.hpp>

#include "authd/worker_protocol.h"

using namespace mail;
using namespace mail::authd;

namespace {

ClientEngine::Facts facts() {
  ClientEngine::Facts out;
  out.pid = 30;
  out.connection = 1;
  out.cookie = "0099777b13e494210c171ac049792609";
  out.mechanisms = {{.name = "PLAIN", .plaintext = true},
                    {.name = "LOGIN", .plaintext = true}};
  return out;
}

std::string name_of(const ClientEngine::Event& event) {
  struct Name {
    std::string operator()(const ClientEngine::Connected& e) {
      return "connected " + std::to_string(e.pid);
    }
    std::string operator()(const ClientEngine::Start& e) {
      return "start " + std::to_string(e.auth.id) + " " + e.auth.mechanism;
    }
    std::string operator()(const ClientEngine::Continue& e) {
      return "continue " + std::to_string(e.id) + " " + e.response;
    }
    std::string operator()(const ClientEngine::Cancel& e) {
      return "cancel " + std::to_string(e.id);
    }
    std::string operator()(const ClientEngine::Broken& e) {
      return "broken " + e.why;
    }
  };
  return std::visit(Name{}, event);
}

std::vector<std::string> events(std::string_view bytes, size_t step) {
  ClientEngine engine(facts());
  std::vector<std::string> out;
  for (size_t i = 0; i < bytes.size(); i += step) {
    engine.receive(bytes.substr(i, step));
    while (auto event = engine.next_event()) out.push_back(name_of(*event));
  }
  return out;
}

}  // namespace

TEST_CASE("the greeting is the original's", "[authd]") {
  CHECK(ClientEngine(facts()).greeting() ==
        "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\n"
        "SPID\t30\nCUID\t1\nCOOKIE\t0099777b13e494210c171ac049792609\nDONE\n");
}

TEST_CASE("a client's lines are events, however they are cut", "[authd]") {
  std::string_view bytes =
      "VERSION\t1\t2\nCPID\t77\nAUTH\t1\tPLAIN\tservice=smtp\tresp=AGEAYg==\n"
      "AUTH\t2\tLOGIN\tservice=smtp\nCONT\t2\tYQ==\nCANCEL\t2\nWHAT\t1\n";
  std::vector<std::string> wanted = {
      "connected 0",  // not a login socket
      "start 1 PLAIN",
      "start 2 LOGIN",
      "continue 2 YQ==",
      "cancel 2",
      "broken BUG: Authentication client sent unknown command: WHAT?1"};
  for (size_t step = 1; step <= bytes.size(); ++step) {
    CHECK(events(bytes, step) == wanted);
  }
}

TEST_CASE("clients that do not keep to the protocol", "[authd]") {
  auto last = [](std::string_view bytes) { return events(bytes, 999).back(); };
  CHECK(last("VERSION\t2\t0\n").find("not compatible") != std::string::npos);
  CHECK(last("CPID\t1\n") ==
        "broken Authentication client sent invalid VERSION line: CPID\t1");
  CHECK(last("VERSION\t1\t2\nCPID\t0\n") ==
        "broken BUG: Authentication client said it's PID 0");
  CHECK(last("VERSION\t1\t2\nCPID\t1\nAUTH\t1\tPLAIN\n") ==
        "broken BUG: Authentication client 0 didn't specify service in "
        "request");
  CHECK(last("VERSION\t1\t2\nCPID\t1\nCANCEL\tx\n") ==
        "broken BUG: Authentication client sent broken CANCEL");
  CHECK(last("VERSION\t1\t2\nCPID\t1\n" + std::string(20000, 'A'))
            .find("more than 16384 bytes") != std::string::npos);
}

TEST_CASE("secrets are not shown", "[authd]") {
  ClientEngine engine(facts());
  engine.receive(
      "VERSION\t1\t2\nCPID\t1\nAUTH\t1\tPLAIN\tservice=smtp\tresp=AGEAYg==\n"
      "CONT\t1\tYg==\n");
  (void)engine.next_event();
  (void)engine.next_event();
  CHECK(engine.shown_line(false) ==
        "AUTH\t1\tPLAIN\tservice=smtp\tresp=<hidden>");
  (void)engine.next_event();
  CHECK(engine.shown_line(false) == "CONT<hidden>");
}

TEST_CASE("the master protocol's questions", "[authd]") {
  MasterEngine engine(30, false);
  CHECK(engine.greeting() == "VERSION\t1\t1\nSPID\t30\n");
  engine.receive(
      "VERSION\t1\t0\nUSER\t1\tcarol\tservice=lmtp\trip=1.2.3.4\n"
      "REQUEST\t2361655297\t39\t2\tcce17c35\tsession_pid=44\t"
      "request_auth_token\nLIST\t3\tuser=a*\nCACHE-FLUSH\t4\tcarol\nX\t1\n");
  auto user = std::get<MasterEngine::User>(*engine.next_event());
  CHECK(user.user == "carol");
  CHECK(user.info.remote_ip == "1.2.3.4");
  auto cookie = std::get<MasterEngine::CookieRequest>(*engine.next_event());
  CHECK(cookie.id == 2361655297u);
  CHECK(cookie.request.client_pid == 39);
  CHECK(cookie.request.want_token);
  CHECK(std::get<MasterEngine::List>(*engine.next_event()).mask == "a*");
  auto flush = std::get<MasterEngine::CacheFlush>(*engine.next_event());
  CHECK(flush.users == std::vector<std::string>{"carol"});
  CHECK(std::get<MasterEngine::Broken>(*engine.next_event()).why ==
        "BUG: Unknown command in master socket: X?1");
  CHECK_FALSE(engine.next_event());

  MasterEngine userdb(30, true);
  userdb.receive("VERSION\t1\t0\nCACHE-FLUSH\t4\n");
  CHECK(std::get<MasterEngine::Broken>(*userdb.next_event()).why ==
        "BUG: Unknown command in userdb socket: CACHE-FLUSH?4");
}

TEST_CASE("workers read back what auth asks and what they answer", "[authd]") {
  WorkerQuestion question{WorkerQuestion::Kind::Verify, 7, 2, "p\tw\n", {}};
  question.request.user = "carol";
  question.request.user_known = true;
  question.request.original = "Carol";
  question.request.info.service = "imap";
  question.request.info.remote_ip = "::1";
  question.request.mechanism = "PLAIN";
  std::string line = question.encode();
  CHECK(line.back() == '\n');
  line.pop_back();
  CHECK(line.find('\n') == std::string::npos);
  auto back = WorkerQuestion::parse(line);
  REQUIRE(back);
  CHECK(back->password == "p\tw\n");
  CHECK(back->database == 2);
  CHECK(back->request.user == "carol");
  CHECK(back->request.original == "Carol");
  CHECK(back->request.info.remote_ip == "::1");
  CHECK_FALSE(WorkerQuestion::parse("7\tWHAT\t1\t"));

  PassAnswer answer;
  answer.result = PassResult::Ok;
  answer.scheme = "CRYPT";
  answer.stored = "$6$x";
  answer.fields.set("scheme", "mine");
  std::string text = encode_answer(7, answer);
  CHECK(text.starts_with("7\tok\t"));
  auto read =
      read_pass_answer(std::string_view(text).substr(2, text.size() - 3));
  CHECK(read.stored == "$6$x");
  CHECK(read.scheme == "CRYPT");
  CHECK(read.fields.get("scheme") == "mine");
  CHECK(read_pass_answer("").result == PassResult::InternalFailure);
}
