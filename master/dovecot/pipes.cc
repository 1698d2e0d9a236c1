#include "master/dovecot/pipes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "master/log/line.h"

namespace mail::dovecot {

namespace {

constexpr int kFirstSocket = 7, kOwnPipes = 2;

}  // namespace

void write_to(int fd, std::string_view text) {
  [[maybe_unused]] auto n = write(fd, text.data(), text.size());
}

Result<Pipe> Pipe::make() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return fail_errno("pipe() failed", errno);
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<LogPipes> LogPipes::make() {
  LogPipes out;
  out.control_ = TRY(Pipe::make());
  out.own_ = TRY(Pipe::make());
  return out;
}

Result<int> LogPipes::writer_for(const std::string& service) {
  auto found = services_.find(service);
  if (found == services_.end()) {
    auto made = TRY(Pipe::make());
    found = services_.emplace(service, std::move(made)).first;
    order_.push_back(service);
  }
  return found->second.write.get();
}

void LogPipes::greet() {
  write_to(own_.write.get(), logd::write_handshake("master: "));
  for (const auto& [name, pipe] : services_) {
    write_to(pipe.write.get(), logd::write_handshake(name + ": "));
  }
}

std::vector<int> LogPipes::readers() const {
  std::vector<int> out{control_.read.get(), own_.read.get()};
  for (const auto& name : order_) {
    out.push_back(services_.at(name).read.get());
  }
  return out;
}

void LogPipes::tell(const std::string& service, int pid,
                    std::string_view text) {
  auto at = std::find(order_.begin(), order_.end(), service);
  if (at == order_.end()) return;
  auto fd = kFirstSocket + kOwnPipes + (at - order_.begin());
  write_to(control_.write.get(), fmt::format("{} {} {}\n", fd, pid, text));
}

}  // namespace mail::dovecot
