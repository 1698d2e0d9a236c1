#include "common/log/log.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "common/base/file.h"

using namespace mail;

namespace {

/// A directory with a log file and a datagram socket in it.
struct Sinks {
  std::string directory = "/tmp/log_test.XXXXXX";
  UniqueFd socket;

  Sinks() {
    REQUIRE(mkdtemp(directory.data()));
    bind_socket();
  }
  ~Sinks() {
    unlink(path("socket").c_str());
    unlink(path("file").c_str());
    rmdir(directory.c_str());
  }
  std::string path(std::string_view name) const {
    return fmt::format("{}/{}", directory, name);
  }
  void bind_socket() {
    unlink(path("socket").c_str());
    socket.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, path("socket").c_str(),
            sizeof(address.sun_path) - 1);
    REQUIRE(bind(socket.get(), reinterpret_cast<sockaddr*>(&address),
                 sizeof(address)) == 0);
  }
  std::string receive() {
    char buffer[4096];
    ssize_t n = recv(socket.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    return n < 0 ? std::string() : std::string(buffer, n);
  }
  log::Config config() const {
    log::Config out;
    out.process = "smtpd";
    out.hostname = "mx";
    out.postlog_socket = path("socket");
    out.file = path("file");
    return out;
  }
};

/// What follows the fifteen characters of the time.
std::string after_time(std::string_view line) {
  REQUIRE(line.size() > 16);
  return std::string(line.substr(15));
}

}  // namespace

TEST_CASE("A line has time, host, ident, pid and severity") {
  Sinks sinks;
  log::open(sinks.config());
  log::info("connect from a[192.0.2.1]");
  CHECK(after_time(sinks.receive()) ==
        fmt::format(" mx postfix/smtpd[{}]: connect from a[192.0.2.1]",
                    getpid()));
  log::warning("x");
  CHECK(after_time(sinks.receive()) ==
        fmt::format(" mx postfix/smtpd[{}]: warning: x", getpid()));
  log::error("x");
  CHECK(sinks.receive().ends_with(": error: x"));
}

TEST_CASE("What cannot be printed becomes a question mark") {
  Sinks sinks;
  log::open(sinks.config());
  log::info("a\nb\x01 \xc3\xa4 \xff");
  CHECK(sinks.receive().ends_with(": a?b? \xc3\xa4 ?"));
}

TEST_CASE("A line is cut at two thousand bytes") {
  Sinks sinks;
  log::open(sinks.config());
  log::info(std::string(3000, 'x'));
  std::string line = sinks.receive();
  CHECK(line.ends_with(": " + std::string(2000, 'x')));
}

TEST_CASE("A new log daemon at the same place is found") {
  Sinks sinks;
  log::open(sinks.config());
  sinks.bind_socket();
  log::info("again");
  CHECK(sinks.receive().ends_with(": again"));
}

TEST_CASE("Without a log daemon the file takes the line") {
  Sinks sinks;
  log::Config config = sinks.config();
  config.postlog_socket = sinks.path("nowhere");
  log::open(config);
  log::info("lonely");
  auto text = read_file(sinks.path("file"));
  REQUIRE(text);
  CHECK(after_time(*text) ==
        fmt::format(" mx postfix/smtpd[{}]: lonely\n", getpid()));
}
