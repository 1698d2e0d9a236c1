#include "queue/verify/service.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/config/postfix/params.h"
#include "common/daemon/probe_sender.h"
#include "common/daemon/tables.h"
#include "common/ipc/cleanup.h"
#include "common/ipc/delivery.h"
#include "common/ipc/post.h"
#include "common/log/log.h"
#include "common/process/ids.h"

namespace mail::verify {

namespace param = config::param;

namespace {

constexpr std::chrono::seconds kPeerTime{3600};
constexpr char kCleanedKey[] = "_LAST_CACHE_CLEANUP_COMPLETED_";
constexpr char kInProgress[] = "Address verification in progress";
constexpr int kOk = 0, kFail = -1, kBad = -2;

}  // namespace

Result<> VerifyService::open(daemon::Context& context) {
  settings_ = context.settings;
  const auto& s = *settings_;
  ages_ = {s.get(param::address_verify_positive_expire_time).count(),
           s.get(param::address_verify_positive_refresh_time).count(),
           s.get(param::address_verify_negative_expire_time).count(),
           s.get(param::address_verify_negative_refresh_time).count(),
           s.get(param::address_verify_negative_cache)};
  clean_every_ = s.get(param::address_verify_cache_cleanup_interval);
  name_ = s.get(param::address_verify_map);
  if (name_.empty()) name_ = "internal:verify";
  cleanup_.emplace(ipc::Client::Options{
      .path = "public/" + s.get(param::cleanup_service_name),
      .timeout = s.get(param::ipc_timeout)});
  auto options = daemon::table_options(context);
  options.mode = O_RDWR | O_CREAT;
  options.flags |=
      maps::flag::kDupReplace | maps::flag::kOpenLock | maps::flag::kSyncUpdate;
  std::optional<process::AsUser> owner;
  if (geteuid() == 0) {
    auto ids = TRY(process::find_user(s.get(param::mail_owner)));
    if (ids) owner.emplace(TRY(process::AsUser::become(*ids)));
  }
  cache_ = TRY(maps::open_table(name_, options));
  return {};
}

net::Task<Result<>> VerifyService::start(daemon::Context& context) {
  tasks_ = context.tasks;
  if (clean_every_ > std::chrono::seconds(0)) {
    tasks_->start(clean_regularly());
  }
  co_return Result<>{};
}

net::Task<> VerifyService::serve(net::Stream client) {
  ipc::greet(client, ipc::kVerifyProtocol);
  while (true) {
    auto sent = co_await client.flush(net::Deadline::in(kPeerTime));
    if (!sent) co_return;
    auto request = co_await ipc::receive<ipc::VerifyRequest>(
        client, "verify client", net::Deadline::in(kPeerTime));
    if (!request) co_return;
    if (request->request == "update") {
      ipc::append(client, ipc::Status{update(*request)});
    } else {
      ipc::append(client, query(*request));
    }
  }
}

ipc::VerifyReply VerifyService::query(const ipc::VerifyRequest& request) {
  ipc::VerifyReply reply;
  if (request.request != "query" || request.address.empty()) {
    reply.status = kBad;
    return reply;
  }
  auto found = cache_->lookup(key_of(request.address));
  if (!found) {
    log::warning(found.error().what);
    reply.status = kFail;
    return reply;
  }
  long now = time(nullptr);
  auto entry = *found ? Entry::parse(**found) : std::nullopt;
  bool counts = entry && !expired(*entry, ages_, now);
  if (counts) {
    reply.recipient_status = entry->status;
    reply.reason = entry->text;
  } else {
    reply.recipient_status = ipc::verify_status::kTodo;
    reply.reason = kInProgress;
  }
  if ((counts && !stale(*entry, ages_, now)) ||
      (entry && being_probed(*entry, now))) {
    return reply;
  }
  if (!counts) entry = Entry{ipc::verify_status::kTodo, 0, 0, kInProgress};
  entry->probed = now;
  // Without a cache of bad news every question sends a probe.
  bool kept = entry->status == ipc::verify_status::kOk || ages_.negative_cache;
  if (kept) store(request.address, *entry);
  tasks_->start(probe(request.address));
  return reply;
}

int VerifyService::update(const ipc::VerifyRequest& request) {
  bool known = request.recipient_status >= ipc::verify_status::kOk &&
               request.recipient_status <= ipc::verify_status::kBounce;
  if (!known || request.address.empty()) return kBad;
  long now = time(nullptr);
  auto found = cache_->lookup(key_of(request.address));
  if (!found) {
    log::warning(found.error().what);
    return kFail;
  }
  auto entry = *found ? Entry::parse(**found) : std::nullopt;
  if (accepts(entry, request.recipient_status, ages_, now)) {
    store(request.address, {request.recipient_status, 0, now, request.reason});
  }
  return kOk;
}

void VerifyService::store(const std::string& address, const Entry& entry) {
  auto stored = cache_->update(key_of(address), entry.format());
  if (!stored) log::warning(stored.error().what);
}

net::Task<> VerifyService::probe(std::string address) {
  namespace flag = ipc::cleanup_flag;
  const auto& s = *settings_;
  auto begun = co_await ipc::begin_post(*cleanup_);
  if (!begun) {
    log::warning("address probe: " + begun.error().what);
    co_return;
  }
  ipc::Letter letter = ipc::begin_letter(s.get(param::myhostname),
                                         s.get(param::mail_name), begun->id);
  letter.flags = flag::kMap;
  if (has_word(s.get(param::smtputf8_autodetect_classes), "verify") ||
      has_word(s.get(param::smtputf8_autodetect_classes), "all")) {
    letter.flags |= flag::kAutoUtf8;
  }
  letter.trace_flags = ipc::delivery_flag::kMtaVerify;
  letter.sender = daemon::probe_sender(s, letter.sec);
  letter.recipient = std::move(address);
  auto posted = co_await ipc::finish_post(*cleanup_, std::move(*begun),
                                          std::move(letter));
  if (!posted) log::warning("address probe: " + posted.error().what);
}

net::Task<> VerifyService::clean_regularly() {
  auto found = cache_->lookup(kCleanedKey);
  if (found && *found) {
    long last = parse_number<long>(**found).value_or(0);
    auto age = std::chrono::seconds(time(nullptr) - last);
    if (age >= age.zero() && age < clean_every_) {
      co_await net::sleep(clean_every_ - age);
    }
  }
  while (true) {
    co_await clean();
    co_await net::sleep(clean_every_);
  }
}

net::Task<> VerifyService::clean() {
  long now = time(nullptr);
  size_t retained = 0, dropped = 0;
  auto entry = cache_->first();
  while (entry && *entry) {
    auto [key, value] = **entry;
    auto parsed = Entry::parse(value);
    if (key != kCleanedKey) {
      bool counts = parsed && (!expired(*parsed, ages_, now) ||
                               being_probed(*parsed, now));
      if (counts) {
        ++retained;
      } else {
        ++dropped;
        (void)cache_->remove(key);
      }
    }
    if ((retained + dropped) % 100 == 99) co_await net::yield();
    entry = cache_->next();
  }
  (void)cache_->update(kCleanedKey, fmt::to_string(now));
  log::info(fmt::format("cache {} full cleanup: retained={} dropped={} entries",
                        name_, retained, dropped));
}

}  // namespace mail::verify
