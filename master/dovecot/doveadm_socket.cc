// The `master` socket: doveadm service status, process status, service stop.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "common/net/listener.h"
#include "common/net/stream.h"
#include "master/dovecot/house.h"

namespace mail::dovecot {

using namespace std::chrono_literals;

namespace {

constexpr size_t kLineLimit = 8192;

}  // namespace

net::Task<> House::serve_doveadm() {
  net::Endpoint where;
  where.path = surroundings_.base_dir + "/master";
  mode_t before = umask(0177);
  auto bound = net::Listener::bind(where);
  umask(before);
  if (!bound) {
    log::error(bound.error().what);
    co_return;
  }
  net::Listener listener(std::move(*bound));
  net::TaskSet clients;
  while (true) {
    auto fd = co_await listener.accept();
    if (!fd) {
      co_await net::sleep(1s);
      continue;
    }
    clients.start(answer_doveadm(std::move(*fd)));
  }
}

net::Task<> House::answer_doveadm(UniqueFd fd) {
  net::Stream stream(std::move(fd));
  stream.write("VERSION\tmaster-server\t1\t0\n");
  while (true) {
    auto sent = co_await stream.flush(net::Deadline::in(30s));
    if (!sent) co_return;
    size_t end = stream.input().find('\n');
    if (end == std::string_view::npos) {
      if (stream.input().size() > kLineLimit) co_return;
      auto got = co_await stream.fill(net::Deadline::in(300s));
      if (!got || *got == 0) co_return;
      continue;
    }
    std::string line(stream.input().substr(0, end));
    stream.consume(end + 1);
    bool close = false;
    stream.write(answer(line, close));
    if (close) co_return;
  }
}

std::string House::answer(std::string_view line, bool& close) {
  auto words = split_exact(line, '\t');
  std::string out;
  if (words[0] == "VERSION") return out;
  if (words[0] == "SERVICE-STATUS") {
    for (const auto& service : services_) out += service->status_line();
    return out + "\n";
  }
  if (words[0] == "PROCESS-STATUS") {
    for (const auto& service : services_) {
      bool wanted = words.size() == 1;
      for (size_t i = 1; i < words.size(); ++i) {
        wanted |= words[i] == service->spec().name;
      }
      if (!wanted) continue;
      for (const auto& [pid, child] : service->children()) {
        out += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t0\n", service->spec().name,
                           pid, child.available, child.most, 0, time(nullptr));
      }
    }
    return out + "\n";
  }
  if (words[0] == "STOP") {
    for (size_t i = 1; i < words.size(); ++i) {
      Service* service = find(words[i]);
      if (!service) return fmt::format("-Unknown service: {}\n", words[i]);
      service->retire();
      service->signal_all(SIGTERM);
    }
    return "+\n";
  }
  close = true;
  return out;
}

}  // namespace mail::dovecot
