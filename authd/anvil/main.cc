// anvil: who is logged in, and how often passwords from an address failed.
#include <fmt/format.h>

#include "authd/anvil/logins.h"
#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/daemon/dovecot_service.h"
#include "common/ipc/tabbed.h"
#include "common/log/log.h"

namespace mail::anvil {

using namespace std::chrono_literals;

namespace {

constexpr size_t kLineLimit = 4096;
constexpr auto kWriteTime = 60s;

int64_t now_seconds() { return WallClock::to_time_t(WallClock::now()); }

class AnvilService : public daemon::DovecotService {
 public:
  net::Task<Result<>> start(daemon::DovecotContext& context) override {
    context.tasks->start(expire());
    co_return Result<>{};
  }

  net::Task<> serve(net::Stream stream,
                    daemon::DovecotConnection connection) override {
    bool greeted = false;
    while (true) {
      size_t end = stream.input().find('\n');
      if (end == std::string_view::npos) {
        if (stream.input().size() > kLineLimit) co_return;
        auto sent = co_await stream.flush(net::Deadline::in(kWriteTime));
        if (!sent) co_return;
        auto got = co_await stream.fill(net::Deadline::never());
        if (!got || *got == 0) co_return;
        continue;
      }
      std::string line(stream.input().substr(0, end));
      stream.consume(end + 1);
      // Processes that share the master's pipe greet each for itself.
      if (line.starts_with("VERSION\t")) {
        greeted = line.starts_with("VERSION\tanvil\t1\t");
      }
      if (!greeted) {
        log::error(
            fmt::format("Anvil client not compatible with this server "
                        "(mixed old and new binaries?) {}",
                        printable(line)));
        co_return;
      }
      if (line.starts_with("VERSION\t")) continue;
      std::string why = take(line, connection.fifo, stream);
      if (why.empty()) continue;
      log::error("Anvil client input error: " + why);
      if (!connection.fifo) co_return;
    }
  }

 private:
  /// Why the line is wrong, or "".
  std::string take(std::string_view line, bool from_master,
                   net::Stream& stream) {
    auto words = ipc::tab_split(line);
    std::string_view command = words[0];
    auto argument = [&](size_t i) {
      return i < words.size() ? ipc::tab_unescape(words[i]) : std::string();
    };
    auto missing = [&](size_t wanted) {
      return words.size() <= wanted
                 ? fmt::format("{}: Not enough parameters", command)
                 : std::string();
    };
    if (command == "CONNECT" || command == "DISCONNECT") {
      if (auto why = missing(2); !why.empty()) return why;
      auto pid = parse_number<unsigned>(words[1]);
      if (!pid || *pid == 0) return fmt::format("{}: Invalid pid", command);
      if (command == "CONNECT")
        logins_.connect(*pid, argument(2));
      else
        logins_.disconnect(*pid, argument(2));
    } else if (command == "CONNECT-DUMP") {
      stream.write(logins_.dump());
    } else if (command == "LOOKUP") {
      if (auto why = missing(1); !why.empty()) return why;
      stream.write(fmt::format("{}\n", logins_.count(argument(1))));
    } else if (command == "KILL") {
      if (auto why = missing(1); !why.empty()) return why;
      if (!from_master) return "KILL sent by a non-master connection";
      auto pid = parse_number<unsigned>(words[1]);
      if (!pid) return "KILL: Invalid pid";
      logins_.kill(*pid);
    } else if (command.starts_with("PENALTY-")) {
      return take_penalty(words, stream);
    } else {
      return fmt::format("Unknown command: {}", printable(command));
    }
    return "";
  }

  std::string take_penalty(const std::vector<std::string_view>& words,
                           net::Stream& stream) {
    std::string_view command = words[0];
    size_t wanted = command == "PENALTY-DUMP"  ? 0
                    : command == "PENALTY-INC" ? 3
                                               : 1;
    if (words.size() <= wanted) {
      return fmt::format("{}: Not enough parameters", command);
    }
    if (command == "PENALTY-GET") {
      auto penalty = penalties_.get(ipc::tab_unescape(words[1]));
      stream.write(fmt::format("{} {}\n", penalty.value, penalty.last));
    } else if (command == "PENALTY-INC") {
      auto checksum = parse_number<uint32_t>(words[2]);
      auto value = parse_number<unsigned>(words[3]);
      if (!checksum || !value || (*checksum != 0 && *value == 0)) {
        return "PENALTY-INC: Invalid parameters";
      }
      penalties_.raise(ipc::tab_unescape(words[1]), *checksum, *value,
                       now_seconds());
    } else if (command == "PENALTY-SET-EXPIRE-SECS") {
      auto seconds = parse_number<unsigned>(words[1]);
      if (!seconds || *seconds == 0) {
        return "PENALTY-SET-EXPIRE-SECS: Invalid parameters";
      }
      penalties_.set_expire_seconds(*seconds);
    } else if (command == "PENALTY-DUMP") {
      stream.write(penalties_.dump());
    } else {
      return fmt::format("Unknown command: {}", printable(command));
    }
    return "";
  }

  net::Task<> expire() {
    while (true) {
      co_await net::sleep(10s);
      penalties_.expire(now_seconds());
    }
  }

  Logins logins_;
  Penalties penalties_;
};

}  // namespace

}  // namespace mail::anvil

int main(int argc, char** argv) {
  return mail::daemon::run_dovecot(
      argc, argv,
      {.name = "anvil",
       .protocol = "anvil",
       .modules = {"anvil"},
       .make = []() -> std::unique_ptr<mail::daemon::DovecotService> {
         return std::make_unique<mail::anvil::AnvilService>();
       },
       .stays = true});
}
