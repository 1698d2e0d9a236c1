// verify(8): remembers which addresses are deliverable. Delivery agents tell
// it what became of probes; who asks gets what is known. Starting probes waits
// for a later version: an address that is not known stays "in progress".
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>

#include "common/config/postfix/params.h"
#include "common/daemon/tables.h"
#include "common/ipc/conversation.h"
#include "common/ipc/verify.h"
#include "common/log/log.h"
#include "common/process/ids.h"
#include "queue/verify/entry.h"

namespace mail::verify {

namespace param = config::param;

namespace {

constexpr std::chrono::seconds kPeerTime{3600};
constexpr char kCleanedKey[] = "_LAST_CACHE_CLEANUP_COMPLETED_";
constexpr int kOk = 0, kFail = -1, kBad = -2;

class VerifyService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    const auto& s = *context.settings;
    ages_ = {s.get(param::address_verify_positive_expire_time).count(),
             s.get(param::address_verify_positive_refresh_time).count(),
             s.get(param::address_verify_negative_expire_time).count(),
             s.get(param::address_verify_negative_refresh_time).count(),
             s.get(param::address_verify_negative_cache)};
    clean_every_ = s.get(param::address_verify_cache_cleanup_interval);
    std::string name = s.get(param::address_verify_map);
    if (name.empty()) name = "internal:verify";
    auto options = daemon::table_options(context);
    options.mode = O_RDWR | O_CREAT;
    options.flags |= maps::flag::kDupReplace | maps::flag::kOpenLock;
    std::optional<process::AsUser> owner;
    if (geteuid() == 0) {
      auto ids = TRY(process::find_user(s.get(param::mail_owner)));
      if (ids) owner.emplace(TRY(process::AsUser::become(*ids)));
    }
    cache_ = TRY(maps::open_table(name, options));
    return {};
  }

  net::Task<Result<>> start(daemon::Context& context) override {
    if (clean_every_ > std::chrono::seconds(0)) {
      context.tasks->start(clean());
    }
    co_return Result<>{};
  }

  net::Task<> serve(net::Stream client) override {
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

 private:
  ipc::VerifyReply query(const ipc::VerifyRequest& request) {
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
    auto entry = *found ? Entry::parse(**found) : std::nullopt;
    long now = time(nullptr);
    if (entry && !expired(*entry, ages_, now)) {
      reply.recipient_status = entry->status;
      reply.reason = entry->text;
      return reply;
    }
    if (!warned_) {
      warned_ = true;
      log::warning(
          "address verification: probes are not supported yet by "
          "this version: addresses that are not in "
          "address_verify_map stay unverified");
    }
    reply.recipient_status = ipc::verify_status::kTodo;
    reply.reason = "Address verification in progress";
    return reply;
  }

  int update(const ipc::VerifyRequest& request) {
    bool known = request.recipient_status >= ipc::verify_status::kOk &&
                 request.recipient_status <= ipc::verify_status::kBounce;
    if (!known || request.address.empty()) return kBad;
    Entry entry;
    entry.status = request.recipient_status;
    entry.updated = time(nullptr);
    entry.text = request.reason;
    auto stored = cache_->update(key_of(request.address), entry.format());
    if (!stored) log::warning(stored.error().what);
    return stored ? kOk : kFail;
  }

  net::Task<> clean() {
    while (true) {
      co_await net::sleep(clean_every_);
      long now = time(nullptr);
      size_t seen = 0;
      auto entry = cache_->first();
      while (entry && *entry) {
        auto [key, value] = **entry;
        auto parsed = Entry::parse(value);
        bool own = key == kCleanedKey;
        if (!own && (!parsed || expired(*parsed, ages_, now))) {
          (void)cache_->remove(key);
        }
        if (++seen % 100 == 0) co_await net::yield();
        entry = cache_->next();
      }
      (void)cache_->update(kCleanedKey, fmt::to_string(now));
    }
  }

  std::unique_ptr<maps::Table> cache_;
  Ages ages_;
  Duration clean_every_{};
  bool warned_ = false;
};

}  // namespace

}  // namespace mail::verify

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "verify",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::verify::VerifyService>();
       },
       .limit = mail::daemon::ProcessLimit::One,
       .clients = 5000});
}
