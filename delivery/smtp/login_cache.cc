#include "delivery/smtp/login_cache.h"

#include <fmt/format.h>

#include "common/base/base64.h"
#include "common/base/number.h"
#include "common/crypto/digest.h"
#include "common/log/log.h"
#include "common/maps/flags.h"

namespace mail::smtpc {

namespace {

constexpr int kFlags =
    maps::flag::kDupReplace | maps::flag::kLock | maps::flag::kSyncUpdate;

std::string digest(const std::string& password) {
  return base64_encode(crypto::digest(crypto::Hash::Sha1, password));
}

}  // namespace

std::string LoginCache::key(const Login& login) {
  return login.host + ";" + login.user;
}

std::string LoginCache::value(const Login& login, const Refusal& refusal,
                              WallTime now) {
  return fmt::format("{};{};{};{}", WallClock::to_time_t(now),
                     digest(login.password), refusal.dsn, refusal.reply);
}

std::optional<LoginCache::Refusal> LoginCache::parse(
    std::string_view value, const Login& login, WallTime now,
    std::chrono::seconds lifetime) {
  std::string_view fields[3];
  for (auto& field : fields) {
    size_t end = value.find(';');
    if (end == std::string_view::npos) return std::nullopt;
    field = value.substr(0, end);
    value.remove_prefix(end + 1);
  }
  auto since = parse_number<long>(fields[0]);
  if (!since || fields[1] != digest(login.password)) return std::nullopt;
  if (WallClock::to_time_t(now) > *since + lifetime.count()) {
    return std::nullopt;
  }
  return Refusal{std::string(fields[2]), std::string(value)};
}

net::Task<std::optional<LoginCache::Refusal>> LoginCache::find(Login login,
                                                               WallTime now) {
  auto found = co_await writer_->lookup(table_, kFlags, key(login));
  if (!found) {
    log::warning(found.error().what);
    co_return std::nullopt;
  }
  if (!*found) co_return std::nullopt;
  co_return parse(**found, login, now, lifetime_);
}

net::Task<> LoginCache::save(Login login, Refusal refusal, WallTime now) {
  std::string text = value(login, refusal, now);
  auto saved =
      co_await writer_->update(table_, kFlags, key(login), std::move(text));
  if (!saved) log::warning(saved.error().what);
}

}  // namespace mail::smtpc
