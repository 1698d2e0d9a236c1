#include "smtpd/restrict/policy_client.h"

#include <fmt/format.h>
#include <netdb.h>

#include <cerrno>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/config/postfix/evaluate.h"
#include "common/ipc/conversation.h"
#include "common/log/log.h"
#include "common/net/listener.h"
#include "common/net/loop.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

constexpr size_t kKeptLimit = 16;

Result<> resolve(PolicyClient::Options& out, std::string_view target) {
  size_t colon = target.rfind(':');
  std::string_view host = "localhost", port = target;
  if (colon != target.npos) {
    host = target.substr(0, colon);
    port = target.substr(colon + 1);
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty()) host = "localhost";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int code = getaddrinfo(std::string(host).c_str(), std::string(port).c_str(),
                         &hints, &found);
  if (code != 0) {
    return fail(Fault::Config, fmt::format("host/service {} not found: {}",
                                           target, gai_strerror(code)));
  }
  for (addrinfo* one = found; one != nullptr; one = one->ai_next) {
    auto address = net::IpAddress::from_sockaddr(one->ai_addr);
    if (!address) continue;
    net::Endpoint endpoint;
    endpoint.address = *address;
    // sin_port and sin6_port stand at the same place.
    endpoint.port =
        ntohs(reinterpret_cast<sockaddr_in*>(one->ai_addr)->sin_port);
    out.addresses.push_back(endpoint);
  }
  freeaddrinfo(found);
  return {};
}

Result<> set_time(Duration& out, std::string_view name, std::string_view value,
                  long least) {
  out = std::chrono::seconds(
      TRY(config::evaluate_time(name, value, 's', least, config::kNoBound)));
  return {};
}

Result<> set_attribute(PolicyClient::Options& out, std::string_view text) {
  if (text.starts_with('{') && text.ends_with('}')) {
    text = trim(text.substr(1, text.size() - 2));
  }
  size_t equals = text.find('=');
  if (equals == text.npos) {
    return fail(Fault::Config,
                fmt::format("malformed option: missing '=' after attribute "
                            "name: \"...{}...\"",
                            text));
  }
  std::string_view name = trim(text.substr(0, equals));
  std::string_view value = trim(text.substr(equals + 1));
  if (name == "timeout") return set_time(out.timeout, name, value, 1);
  if (name == "max_idle") return set_time(out.max_idle, name, value, 1);
  if (name == "max_ttl") return set_time(out.max_ttl, name, value, 1);
  if (name == "retry_delay") return set_time(out.retry_delay, name, value, 1);
  if (name == "default_action") {
    out.default_action = value;
  } else if (name == "policy_context") {
    out.context = value;
  } else if (name == "request_limit") {
    out.request_limit =
        TRY(config::evaluate_int(name, value, 0, config::kNoBound));
  } else if (name == "try_limit") {
    out.try_limit = TRY(config::evaluate_int(name, value, 1, config::kNoBound));
  } else {
    return fail(Fault::Config,
                fmt::format("bad policy service option: unknown attribute "
                            "name: \"{}\"",
                            name));
  }
  return {};
}

// The value of action= in a reply of any attributes.
std::optional<std::string> action_of(std::string_view reply) {
  for (auto line : split_exact(reply, '\n')) {
    if (line.starts_with("action=")) return std::string(trim(line.substr(7)));
  }
  return std::nullopt;
}

}  // namespace

Result<PolicyClient::Options> PolicyClient::parse(
    std::string_view text, const config::Settings& settings) {
  Options out;
  out.timeout = settings.get(param::smtpd_policy_service_timeout);
  out.max_idle = settings.get(param::smtpd_policy_service_max_idle);
  out.max_ttl = settings.get(param::smtpd_policy_service_max_ttl);
  out.retry_delay = settings.get(param::smtpd_policy_service_retry_delay);
  out.request_limit = settings.get(param::smtpd_policy_service_request_limit);
  out.try_limit = settings.get(param::smtpd_policy_service_try_limit);
  out.default_action = settings.get(param::smtpd_policy_service_default_action);
  out.context = settings.get(param::smtpd_policy_service_policy_context);
  std::vector<std::string_view> items{text};
  if (text.starts_with('{') && text.ends_with('}')) {
    items = split_braced(text.substr(1, text.size() - 2));
    if (items.empty()) {
      return fail(Fault::Config, "check_policy_service without endpoint");
    }
  }
  out.endpoint = items[0];
  for (size_t i = 1; i < items.size(); ++i) TRY(set_attribute(out, items[i]));
  std::string_view endpoint = items[0];
  if (endpoint.starts_with("unix:")) {
    out.path = endpoint.substr(5);
  } else if (endpoint.starts_with("inet:")) {
    TRY(resolve(out, endpoint.substr(5)));
  } else {
    return fail(Fault::Config,
                fmt::format("invalid transport name: {} in attribute server: "
                            "{}",
                            endpoint.substr(0, endpoint.find(':')), endpoint));
  }
  return out;
}

std::optional<PolicyClient::Kept> PolicyClient::take_kept() {
  Instant now = Clock::now();
  std::erase_if(idle_, [&](const Kept& kept) {
    return kept.used + options_.max_idle < now ||
           kept.born + options_.max_ttl < now ||
           (options_.request_limit > 0 &&
            kept.requests >= options_.request_limit);
  });
  if (idle_.empty()) return std::nullopt;
  Kept kept = std::move(idle_.back());
  idle_.pop_back();
  return kept;
}

net::Task<Result<PolicyClient::Kept>> PolicyClient::connect() {
  net::Deadline deadline = net::Deadline::in(options_.timeout);
  Result<UniqueFd> fd = fail(Fault::Temporary, "no address");
  if (!options_.path.empty()) {
    fd = co_await net::connect_unix(options_.path, deadline);
  }
  for (const auto& address : options_.addresses) {
    fd = co_await net::connect_to(address, deadline);
    if (fd) break;
  }
  if (!fd) {
    std::string reason = fd.error().what;
    if (size_t at = reason.rfind(": "); at != reason.npos) {
      reason.erase(0, at + 2);
    }
    std::string_view where = options_.endpoint;
    where.remove_prefix(where.find(':') + 1);
    log::warning(fmt::format("connect to {}: {}", where, reason));
    co_return fail(Error{Fault::Temporary, reason, fd.error().sys});
  }
  Kept kept;
  kept.stream = net::Stream(std::move(*fd));
  kept.born = kept.used = Clock::now();
  co_return kept;
}

net::Task<Result<std::string>> PolicyClient::exchange(
    Kept& kept, std::string_view request) {
  net::Deadline deadline = net::Deadline::in(options_.timeout);
  auto sent = co_await kept.stream.send(request, deadline);
  CO_CHECK(sent);
  auto raw = co_await ipc::receive_raw(kept.stream, options_.endpoint, deadline,
                                       ipc::Form::Plain);
  CO_CHECK(raw);
  auto action = action_of(*raw);
  if (!action) co_return fail(Fault::Protocol, "missing attribute action");
  co_return *action;
}

net::Task<std::string> PolicyClient::ask(std::string request) {
  for (long tries = 1;; ++tries) {
    auto kept = take_kept();
    bool was_kept = kept.has_value();
    std::string reason;
    int sys = 0;
    if (!kept) {
      auto fresh = co_await connect();
      if (fresh) {
        kept = std::move(*fresh);
      } else {
        reason = fresh.error().what;
        sys = fresh.error().sys;
      }
    }
    if (kept) {
      auto action = co_await exchange(*kept, request);
      if (action) {
        kept->used = Clock::now();
        ++kept->requests;
        if (idle_.size() < kKeptLimit) idle_.push_back(std::move(*kept));
        co_return std::move(*action);
      }
      sys = action.error().sys;
      reason = sys == ETIMEDOUT ? "Connection timed out" : action.error().what;
      // A server may close an idle connection at any time: no failure.
      if (was_kept && (sys == ECONNRESET || sys == EPIPE)) {
        idle_.clear();
        --tries;
        continue;
      }
    }
    std::string_view where = options_.endpoint;
    where.remove_prefix(where.find(':') + 1);
    // A server that is being restarted has no socket for a moment.
    if (sys != ENOENT || tries > 1) {
      log::warning(
          fmt::format("problem talking to server {}: {}", where, reason));
    }
    if (tries >= options_.try_limit) co_return options_.default_action;
    co_await net::sleep(options_.retry_delay);
  }
}

}  // namespace mail::smtpd::restriction
