#include "queue/cleanup/rewriter.h"

#include <fmt/format.h>

#include <set>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/ipc/rewrite.h"
#include "common/log/log.h"
#include "common/mime/address.h"

namespace mail::cleanup {

namespace param = config::param;

namespace {

constexpr size_t kCacheLimit = 1000;
constexpr std::chrono::seconds kCacheTime{30};
constexpr int kMappingRounds = 10;

Failure unreasonable(const maps::Tables& tables, std::string_view what,
                     std::string_view address) {
  return fail(Fault::Permanent,
              fmt::format("unreasonable {} map {} for {} -- message not "
                          "accepted, try again later",
                          tables.title(), what, address));
}

}  // namespace

Rewriter::Rewriter(Config& config)
    : config_(config),
      client_({.path = "private/" +
                       config.settings->get(param::rewrite_service_name),
               .protocol = ipc::kRewriteProtocol,
               .idle = config.settings->get(param::ipc_ttl),
               .timeout = config.settings->get(param::ipc_timeout)}) {}

net::Task<Result<std::string>> Rewriter::rewrite_external(
    Context context, std::string external) {
  Instant now = Clock::now();
  auto key = std::make_pair(context, external);
  if (auto at = cache_.find(key);
      at != cache_.end() && at->second.until > now) {
    co_return at->second.external;
  }
  ipc::RewriteRequest request;
  request.rule = context == Context::Local ? "local" : "remote";
  request.address = external;
  auto reply = co_await client_.ask<ipc::RewriteReply>(request);
  CO_CHECK(reply);
  if (reply->server_flags != 0) client_.forget();
  if (cache_.size() >= kCacheLimit) cache_.clear();
  cache_[key] = {reply->address, now + kCacheTime};
  co_return std::move(reply->address);
}

net::Task<Result<std::string>> Rewriter::rewrite(Context context,
                                                 std::string address) {
  if (address.empty()) co_return address;
  auto external =
      co_await rewrite_external(context, mime::quote_local(address));
  CO_CHECK(external);
  co_return mime::unquote_local(*external);
}

net::Task<Result<bool>> Rewriter::is_local(std::string domain) {
  if (iequals(domain, config_.origin)) co_return true;
  auto match = co_await config_.local_domains.match(domain);
  co_return match;
}

net::Task<Result<maps::MappedAddress>> Rewriter::look_up(maps::Tables& tables,
                                                         std::string address,
                                                         bool propagate) {
  maps::AddressMapping mapping;
  mapping.delimiters = config_.delimiters;
  mapping.propagate = propagate;
  mapping.is_local = [this](std::string domain) {
    return is_local(std::move(domain));
  };
  mapping.complete = [this](std::string internal) {
    return rewrite(Context::Local, std::move(internal));
  };
  auto found = co_await maps::map_address(tables, std::move(address), mapping);
  if (!found) {
    co_return fail(
        found.error().fault,
        found.error().what + " -- message not accepted, try again later");
  }
  co_return std::move(*found);
}

net::Task<Result<std::string>> Rewriter::one_to_one(maps::Tables& tables,
                                                    std::string address) {
  for (int round = 0; round < kMappingRounds; ++round) {
    auto found = co_await look_up(tables, address, config_.propagate_canonical);
    CO_CHECK(found);
    if (!found->found) co_return address;
    if (found->addresses.size() > 1) {
      log::warning(
          fmt::format("multi-valued {} entry for {}", tables.title(), address));
    }
    std::string next = found->addresses.front();
    if (iequals(next, address)) co_return next;
    address = std::move(next);
  }
  log::warning(
      fmt::format("unreasonable {} map nesting for {} -- message not "
                  "accepted, try again later",
                  tables.title(), address));
  co_return address;
}

std::string Rewriter::masquerade(std::string address) const {
  size_t at = address.rfind('@');
  if (at == std::string::npos) return address;
  std::string local = lower(address.substr(0, at));
  for (const auto& exception : config_.masquerade_exceptions) {
    if (local == exception) return address;
  }
  std::string domain = lower(address.substr(at + 1));
  for (std::string_view pattern : config_.masquerade_domains) {
    bool keep = pattern.starts_with('!');
    if (keep) pattern.remove_prefix(1);
    bool below = domain.size() > pattern.size() && domain.ends_with(pattern) &&
                 domain[domain.size() - pattern.size() - 1] == '.';
    if (domain != pattern && !below) continue;
    if (keep || domain == pattern) return address;
    return address.substr(0, at + 1) + std::string(pattern);
  }
  return address;
}

net::Task<Result<std::string>> Rewriter::map_address(std::string address,
                                                     AddressClass where,
                                                     Direction direction) {
  if (address.empty()) co_return address;
  bool sender = direction == Direction::Sender;
  unsigned own = sender ? config_.sender_canonical_classes
                        : config_.recipient_canonical_classes;
  if (own & where) {
    auto mapped = co_await one_to_one(
        sender ? config_.sender_canonical : config_.recipient_canonical,
        address);
    address = CO_TRY(mapped);
  }
  if (config_.canonical_classes & where) {
    auto mapped = co_await one_to_one(config_.canonical, address);
    address = CO_TRY(mapped);
  }
  if (config_.masquerade_classes & where) address = masquerade(address);
  co_return address;
}

net::Task<Result<std::vector<std::string>>> Rewriter::expand(
    std::string address) {
  std::vector<std::string> done;
  if (config_.virtual_alias.empty()) {
    done.push_back(std::move(address));
    co_return done;
  }
  // Depth first, in the order of the tables' results. An address that was
  // expanded already stands for itself the second time.
  struct Pending {
    std::string address;
    size_t depth;
  };
  std::vector<Pending> pending;
  pending.push_back({std::move(address), 0});
  std::set<std::string> expanded;
  while (!pending.empty()) {
    Pending next = std::move(pending.back());
    pending.pop_back();
    std::string key = lower(next.address);
    if (next.address.size() > config_.virtual_address_length) {
      co_return unreasonable(config_.virtual_alias, "expansion size",
                             next.address);
    }
    if (next.depth > config_.virtual_recursion) {
      co_return unreasonable(config_.virtual_alias, "nesting", next.address);
    }
    if (!expanded.insert(key).second) {
      done.push_back(std::move(next.address));
      continue;
    }
    auto found = co_await look_up(config_.virtual_alias, next.address,
                                  config_.propagate_virtual);
    CO_CHECK(found);
    if (!found->found) {
      done.push_back(std::move(next.address));
    } else {
      for (size_t i = found->addresses.size(); i-- > 0;) {
        pending.push_back({std::move(found->addresses[i]), next.depth + 1});
      }
    }
    if (done.size() + pending.size() > config_.virtual_expansion) {
      co_return unreasonable(config_.virtual_alias, "expansion size",
                             next.address);
    }
  }
  co_return done;
}

net::Task<Result<std::vector<std::string>>> Rewriter::bcc_for(
    maps::Tables& tables, std::string address) {
  auto found = co_await look_up(tables, std::move(address), false);
  CO_CHECK(found);
  co_return std::move(found->addresses);
}

}  // namespace mail::cleanup
