#include "pop3d/session.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "common/base/file.h"
#include "common/net/loop.h"
#include "common/net/passing.h"
#include "common/net/task_set.h"

namespace mail::pop3d {
namespace {

namespace fs = std::filesystem;

/// A home with a Maildir of two messages.
struct Home {
  Home() {
    char pattern[] = "/tmp/pop3d-test.XXXXXX";
    path = mkdtemp(pattern);
    for (auto part : {"cur", "new", "tmp"}) {
      fs::create_directories(path + "/Maildir/" + part);
    }
    put("new/1700000000.M1P1.mx", "Subject: one\n\n.dot\n");
    put("cur/1700000001.M1P1.mx:2,", "Subject: two\n\nbody\n");
  }
  ~Home() { fs::remove_all(path); }
  void put(const std::string& name, std::string_view text) {
    UniqueFd fd(::open((path + "/Maildir/" + name).c_str(),
                       O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    REQUIRE(write_all(fd.get(), text));
  }
  std::vector<std::string> messages() const {
    std::vector<std::string> names;
    for (auto part : {"cur", "new"}) {
      for (auto& entry : fs::directory_iterator(path + "/Maildir/" + part)) {
        names.push_back(std::string(part) + "/" +
                        entry.path().filename().string());
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  mailbox::UserSettings settings(const char* location = "maildir:~/Maildir") {
    mailbox::UserSettings s;
    s.owner.user = "bob";
    s.owner.home = path;
    s.mail_location = location;
    s.options.hostname = "mx";
    s.log = [](mailbox::UserSettings::Severity, std::string_view) {};
    return s;
  }
  std::string path;
};

struct Client {
  std::string output, log;

  net::Task<> serve(mailbox::Registry* registry, UniqueFd socket, Config config,
                    Result<mailbox::UserSettings> settings, std::string input) {
    Session session(*registry, net::Stream(std::move(socket)),
                    std::move(config),
                    [this](log::Level, std::string_view text) {
                      log += std::string(text) + "\n";
                    });
    co_await session.serve(std::move(settings), std::move(input));
  }
  net::Task<> talk(net::Stream* stream, std::string text) {
    stream->write(text);
    auto deadline = net::Deadline::in(std::chrono::seconds(20));
    auto sent = co_await stream->flush(deadline);
    (void)sent;  // it may have closed already
    while (true) {
      auto got = co_await stream->fill(deadline);
      if (!got || *got == 0) break;
      output += stream->input();
      stream->consume(stream->input().size());
    }
  }

  void run(Result<mailbox::UserSettings> settings, std::string text,
           std::string input = {}, Config config = {}) {
    net::Loop loop;
    mailbox::Registry registry;
    auto pair = net::make_pair(net::PairKind::Stream);
    REQUIRE(pair);
    net::Stream client(std::move(pair->ours));
    net::TaskSet tasks;
    tasks.start(serve(&registry, std::move(pair->theirs), std::move(config),
                      std::move(settings), std::move(input)));
    tasks.start(talk(&client, std::move(text)));
    loop.run(tasks.drained());
  }
};

TEST_CASE("A session reads and deletes messages of a Maildir") {
  Home home;
  Client client;
  client.run(home.settings(), "RETR 1\r\nDELE 2\r\nQUIT\r\n", "STAT\r\n");
  CHECK(client.output ==
        "+OK Logged in.\r\n+OK 2 44\r\n"
        "+OK 22 octets\r\nSubject: one\r\n\r\n..dot\r\n.\r\n"
        "+OK Marked to be deleted.\r\n+OK Logging out, messages deleted.\r\n");
  CHECK(client.log ==
        "Disconnected: Logged out top=0/0, retr=1/38, del=1/2, size=44\n");
  auto left = home.messages();
  REQUIRE(left.size() == 1);
  CHECK(left[0].starts_with("cur/1700000000.M1P1.mx"));
  CHECK(left[0].ends_with(":2,S"));
}

TEST_CASE("Without QUIT nothing is deleted") {
  Home home;
  auto before = home.messages();
  {
    net::Loop loop;
    mailbox::Registry registry;
    Client client;
    auto pair = net::make_pair(net::PairKind::Stream);
    REQUIRE(pair);
    REQUIRE(::write(pair->ours.get(), "DELE 1\r\nRETR 2\r\n", 16) == 16);
    pair->ours.reset();
    loop.run(client.serve(&registry, std::move(pair->theirs), {},
                          home.settings(), ""));
    CHECK(client.log.find("Connection closed top=0/0") != std::string::npos);
  }
  auto after = home.messages();
  CHECK(after.size() == before.size());
  for (auto& name : after) CHECK_FALSE(name.ends_with("S"));
}

TEST_CASE("UIDLs are uid and uidvalidity, and can be otherwise") {
  Home home;
  Client client;
  client.run(home.settings(), "UIDL\r\nQUIT\r\n");
  CHECK(client.output.find("\r\n1 00000001") != std::string::npos);
  CHECK(client.output.find("\r\n2 00000002") != std::string::npos);
  Config config;
  config.uidl_format = "%f";
  Client other;
  other.run(home.settings(), "UIDL 2\r\nQUIT\r\n", "", config);
  CHECK(other.output.find("+OK 2 1700000001.M1P1.mx\r\n") != std::string::npos);
}

TEST_CASE("A mailbox that cannot be had is said to the client and the log") {
  Home home;
  Client client;
  client.run(home.settings("foo:~/x"), "QUIT\r\n");
  CHECK(client.output == "+OK Logged in.\r\n");
  CHECK(client.log.find("Disconnected: Namespace '': ") != std::string::npos);
}

}  // namespace
}  // namespace mail::pop3d
