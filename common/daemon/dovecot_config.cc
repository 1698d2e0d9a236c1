#include "common/daemon/dovecot_config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "common/base/ascii.h"
#include "common/config/dovecot/description.h"
#include "common/net/address.h"
#include "common/process/dovecot_files.h"

namespace mail::daemon {

namespace cf = config::dovecot;
using namespace std::chrono_literals;

namespace {

constexpr size_t kReplyLimit = 32 << 20;
constexpr size_t kMostKnown = 256;
constexpr int kStartTimeout = 30000;  // milliseconds

Result<UniqueFd> connect_blocking(const std::string& path) {
  net::Endpoint where;
  where.path = path;
  sockaddr_storage storage;
  socklen_t size = TRY(where.to_sockaddr(storage));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket", errno);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    return fail_errno(fmt::format("net_connect_unix({}) failed", path), errno);
  }
  return fd;
}

Result<> write_blocking(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write to config", errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<> read_more(int fd, std::string& buffer) {
  pollfd waiting{fd, POLLIN, 0};
  int ready = poll(&waiting, 1, kStartTimeout);
  if (ready == 0) {
    return fail(Fault::Temporary, "Timeout reading config from the service");
  }
  char bytes[65536];
  ssize_t n = read(fd, bytes, sizeof bytes);
  if (n < 0 && errno == EINTR) return {};
  if (n < 0) return fail_errno("read from config", errno);
  if (n == 0) {
    return fail(Fault::Temporary, "config: the service closed the connection");
  }
  if (buffer.size() > kReplyLimit) {
    return fail(Fault::Protocol, "config: reply too long");
  }
  buffer.append(bytes, static_cast<size_t>(n));
  return {};
}

}  // namespace

namespace {

/// What doveconf -e and the master leave in the environment: root settings in
/// upper case.
Result<cf::SettingsPtr> read_environment() {
  cf::FlatSettings values;
  for (char** one = environ; *one; ++one) {
    std::string_view text = *one;
    size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    std::string key = lower(text.substr(0, equals));
    if (upper(key) != text.substr(0, equals)) continue;
    if (!cf::find_setting(key)) continue;
    values.emplace_back(std::move(key), text.substr(equals + 1));
  }
  return cf::Settings::make(values);
}

}  // namespace

Result<cf::SettingsPtr> DovecotConfig::open(const std::string& path) {
  if (getenv("DOVECONF_ENV")) return read_environment();
  path_ = path;
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return fail_errno(fmt::format("stat({}) failed", path), errno);
  }
  if (!S_ISSOCK(info.st_mode)) return read_file(path);
  auto fd = TRY(connect_blocking(path));
  return ask_service(std::move(fd));
}

Result<cf::SettingsPtr> DovecotConfig::read_file(const std::string& path) {
  process::DovecotFiles files;
  auto configuration = cf::Configuration::load(path, files);
  for (const auto& problem : configuration.problems()) {
    if (problem.kind == cf::Problem::Kind::Error) {
      return fail(Fault::Config, problem.message());
    }
  }
  cf::Context context;
  context.service = protocol_;
  auto values = TRY(configuration.flat(context, modules_, files));
  return cf::Settings::make(values);
}

Result<cf::SettingsPtr> DovecotConfig::ask_service(UniqueFd fd) {
  cf::ConfigRequest request;
  request.context.service = protocol_;
  request.modules = modules_;
  TRY(write_blocking(fd.get(), fmt::format("{}{}FILTERS\n", cf::kConfigGreeting,
                                           cf::write_request(request))));
  std::string buffer;
  std::optional<Result<cf::FlatSettings>> reply;
  std::string_view rest;
  while (!reply) {
    TRY(read_more(fd.get(), buffer));
    rest = buffer;
    reply = cf::take_reply(rest);
  }
  if (!*reply) return fail(reply->error());
  buffer = std::string(rest);
  rest = buffer;
  auto filters = cf::take_filters(rest);
  while (!filters) {
    TRY(read_more(fd.get(), buffer));
    rest = buffer;
    filters = cf::take_filters(rest);
  }
  if (!*filters) return fail(filters->error());
  filters_ = std::move(**filters);
  auto settings = TRY(cf::Settings::make(**reply));
  known_.push_back({matching(request.context), settings});
  fd_ = std::move(fd);
  return settings;
}

void DovecotConfig::begin() {
  if (fd_) stream_ = net::Stream(std::move(fd_));
}

std::string DovecotConfig::matching(const cf::Context& context) const {
  std::string out;
  for (const auto& filter : filters_) {
    out += !filter.empty() && filter.matches(context) ? '1' : '0';
  }
  return out;
}

net::Task<Result<cf::SettingsPtr>> DovecotConfig::settings_for(
    cf::Context context, bool fresh) {
  if (context.service.empty()) context.service = protocol_;
  std::string filters = matching(context);
  if (!fresh) {
    for (const auto& one : known_) {
      if (one.filters == filters) co_return one.settings;
    }
  }
  if (!stream_ && filters_.empty()) {
    auto read = read_file(path_);
    co_return read;
  }
  auto settings = co_await ask(std::move(context));
  if (!settings) co_return settings;
  for (auto& one : known_) {
    if (one.filters != filters) continue;
    one.settings = *settings;
    co_return settings;
  }
  if (known_.size() < kMostKnown) known_.push_back({filters, *settings});
  co_return settings;
}

net::Task<Result<cf::SettingsPtr>> DovecotConfig::ask(cf::Context context) {
  while (asking_) co_await free_.wait();
  if (!stream_ || is_closed_) {
    co_return fail(Fault::Temporary, "config: the service is gone");
  }
  asking_ = true;
  struct Turn {
    DovecotConfig* self;
    ~Turn() {
      self->asking_ = false;
      self->free_.notify_all();
    }
  } turn{this};
  cf::ConfigRequest request;
  request.context = std::move(context);
  request.modules = modules_;
  stream_.write(cf::write_request(request));
  auto sent = co_await stream_.flush(net::Deadline::in(30s));
  CO_CHECK(sent);
  while (true) {
    std::string_view rest = stream_.input();
    size_t before = rest.size();
    if (auto reply = cf::take_reply(rest)) {
      stream_.consume(before - rest.size());
      if (!*reply) co_return fail(reply->error());
      auto made = cf::Settings::make(**reply);
      co_return made;
    }
    auto got = co_await stream_.fill(net::Deadline::in(30s));
    if (!got || *got == 0) {
      is_closed_ = true;
      co_return fail(Fault::Temporary, "config: the service does not answer");
    }
  }
}

net::Task<> DovecotConfig::closed() {
  // A second descriptor: the stream's own may wait for an answer.
  net::Descriptor watch(UniqueFd(fcntl(stream_.fd(), F_DUPFD_CLOEXEC, 100)));
  while (!is_closed_) {
    auto ready = co_await watch.readable(net::Deadline::never());
    if (!ready) co_return;
    while (asking_) co_await free_.wait();
    pollfd state{watch.fd(), POLLIN, 0};
    // Nothing was asked: what can be read is the end.
    if (poll(&state, 1, 0) > 0) is_closed_ = true;
  }
}

}  // namespace mail::daemon
