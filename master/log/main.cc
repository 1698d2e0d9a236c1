// log: writes what all of Dovecot's processes have to say.
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <deque>
#include <map>

#include "common/base/utf8.h"
#include "common/daemon/dovecot_service.h"
#include "common/log/dovecot.h"
#include "master/log/line.h"
#include "master/log/sinks.h"

namespace mail::logd {

using namespace std::chrono_literals;

namespace {

constexpr size_t kErrorsKept = 1000;
constexpr size_t kLineLimit = 65536;
constexpr int kWarning = 2, kError = 3, kFatal = 4, kOption = 7;

Sinks* the_sinks = nullptr;  // where this process's own lines go

class LogService : public daemon::DovecotService {
 public:
  Result<> open(daemon::DovecotContext& context) override {
    TRY(sinks_.open(*context.settings));
    the_sinks = &sinks_;
    log::set_sink([](log::Level level, std::string_view text) {
      the_sinks->write(log::dovecot_type(level),
                       fmt::format("log({}): ", getpid()), text);
    });
    return {};
  }

  net::Task<Result<>> start(daemon::DovecotContext&) override {
    net::loop().on_signal(SIGUSR1, [this] { sinks_.reopen(); });
    co_return Result<>{};
  }

  net::Task<> serve(net::Stream stream,
                    daemon::DovecotConnection connection) override {
    if (!connection.fifo) {
      co_await list_errors(std::move(stream));
      co_return;
    }
    Pipe pipe;
    pipe.fd = stream.fd();
    pipe.stream = &stream;
    pipes_.emplace(pipe.fd, &pipe);
    while (true) {
      auto got = co_await stream.fill(net::Deadline::never());
      if (!got || *got == 0) break;
      take_lines(pipe);
    }
    pipes_.erase(pipe.fd);
  }

  void stop() override {
    // What came meanwhile shall not be lost.
    for (auto& [fd, pipe] : pipes_) {
      char bytes[4096];
      std::string rest(pipe->stream->input());
      ssize_t n;
      while ((n = read(fd, bytes, sizeof bytes)) > 0) {
        rest.append(bytes, static_cast<size_t>(n));
      }
      pipe->stream->consume(pipe->stream->input().size());
      pipe->stream->unread(rest);
      take_lines(*pipe);
    }
  }

 private:
  struct Process {
    std::string prefix;
    bool fatal = false;  ///< it has said why it dies
  };
  struct Pipe {
    int fd = 0;
    net::Stream* stream = nullptr;
    bool greeted = false;
    std::string prefix;  ///< "imap-login: "; empty: the master's own pipe
    std::map<int, Process> processes;
  };
  struct Kept {
    int type;
    long when;
    std::string prefix, text;
  };

  void take_lines(Pipe& pipe) {
    while (true) {
      std::string_view bytes = pipe.stream->input();
      size_t before = bytes.size();
      if (auto prefix = take_handshake(bytes)) {
        pipe.prefix = std::move(*prefix);
        pipe.greeted = true;
        pipe.stream->consume(before - bytes.size());
        continue;
      }
      size_t end = bytes.find('\n');
      if (end == std::string_view::npos && before < kLineLimit) return;
      std::string line(bytes.substr(0, end));
      pipe.stream->consume(end == std::string_view::npos ? before : end + 1);
      if (pipe.greeted) {
        take_line(pipe, line);
      } else if (auto control = parse_control(line)) {
        take_control(*control);
      } else {
        emit(kError, "log: ", line);
      }
    }
  }

  void take_line(Pipe& pipe, const std::string& text) {
    Line line = parse_line(text);
    if (line.pid == 0) return emit(kError, pipe.prefix, line.text);
    auto& process = pipe.processes.try_emplace(line.pid).first->second;
    if (process.prefix.empty()) process.prefix = pipe.prefix;
    if (line.type == kOption) {
      if (line.text.starts_with("prefix=")) {
        process.prefix = line.text.substr(7);
      }
      return;
    }
    if (line.type >= kFatal) process.fatal = true;
    emit(line.type,
         line.own_prefix  ? line.prefix
         : line.no_prefix ? std::string_view()
                          : std::string_view(process.prefix),
         line.text);
  }

  void take_control(const Control& control) {
    auto found = pipes_.find(control.fd);
    if (found == pipes_.end()) return;
    Pipe& pipe = *found->second;
    // Its last words may still be in the pipe.
    auto process = pipe.processes.find(control.pid);
    bool said = process != pipe.processes.end() && process->second.fatal;
    std::string prefix =
        process != pipe.processes.end() && !process->second.prefix.empty()
            ? process->second.prefix
            : pipe.prefix;
    if (control.command == "FATAL" ||
        (control.command == "DEFAULT-FATAL" && !said)) {
      emit(kFatal, prefix, control.text);
    }
    if (control.command == "BYE") pipe.processes.erase(control.pid);
  }

  void emit(int type, std::string_view prefix, std::string_view text) {
    std::string clean = printable(text, true);
    sinks_.write(type, prefix, clean);
    if (type < kWarning) return;
    errors_.push_back({type, time(nullptr), std::string(prefix), clean});
    if (errors_.size() > kErrorsKept) errors_.pop_front();
  }

  /// doveadm log errors: "type\ttime\tprefix\ttext" a line.
  net::Task<> list_errors(net::Stream stream) {
    for (const auto& one : errors_) {
      stream.write(fmt::format("{}\t{}\t{}\t{}\n", one.type, one.when,
                               one.prefix, one.text));
    }
    auto sent = co_await stream.flush(net::Deadline::in(30s));
    (void)sent;
  }

  Sinks sinks_;
  std::map<int, Pipe*> pipes_;
  std::deque<Kept> errors_;
};

}  // namespace

}  // namespace mail::logd

int main(int argc, char** argv) {
  return mail::daemon::run_dovecot(
      argc, argv,
      {.name = "log",
       .protocol = "log",
       .modules = {"log"},
       .make = []() -> std::unique_ptr<mail::daemon::DovecotService> {
         return std::make_unique<mail::logd::LogService>();
       },
       // Reopens files as root.
       .keeps_privileges = true,
       .stays = true});
}
