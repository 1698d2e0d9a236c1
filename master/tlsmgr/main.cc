// tlsmgr(8): TLS session caches, ticket keys and seeds for other programs.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <map>

#include "common/config/postfix/params.h"
#include "common/crypto/random.h"
#include "common/daemon/tables.h"
#include "common/ipc/conversation.h"
#include "common/ipc/tlsmgr.h"
#include "common/log/log.h"
#include "common/process/ids.h"
#include "master/tlsmgr/session_value.h"

namespace mail::tlsmgr {

namespace param = config::param;

namespace {

constexpr int kOk = 0, kError = -1, kFail = -2;
constexpr int kSeedLimit = 255;
constexpr size_t kNameSize = 16, kSecretSize = 64;
constexpr std::chrono::seconds kPeerTime{3600};

struct Cache {
  std::unique_ptr<maps::Table> table;
  long timeout = 0;  ///< seconds
};

struct TicketKey {
  std::string name, secret;
  long expires = 0;  ///< for encryption; it decrypts once as long again
};

class TlsmgrService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    const auto& s = *context.settings;
    TRY(open_cache(context, "smtpd",
                   s.get(param::smtpd_tls_session_cache_database),
                   s.get(param::smtpd_tls_session_cache_timeout)));
    TRY(open_cache(context, "smtp",
                   s.get(param::client::tls_session_cache_database,
                         config::ClientMode::Smtp),
                   s.get(param::client::tls_session_cache_timeout,
                         config::ClientMode::Smtp)));
    return open_cache(context, "lmtp",
                      s.get(param::client::tls_session_cache_database,
                            config::ClientMode::Lmtp),
                      s.get(param::client::tls_session_cache_timeout,
                            config::ClientMode::Lmtp));
  }

  net::Task<Result<>> start(daemon::Context& context) override {
    for (auto& [type, cache] : caches_) {
      if (cache.table && cache.timeout > 0) context.tasks->start(clean(&cache));
    }
    co_return Result<>{};
  }

  net::Task<> serve(net::Stream client) override {
    ipc::greet(client, ipc::kTlsmgrProtocol);
    while (true) {
      auto sent = co_await client.flush(net::Deadline::in(kPeerTime));
      if (!sent) co_return;
      auto request = co_await ipc::receive<ipc::TlsmgrRequest>(
          client, "tlsmgr client", net::Deadline::in(kPeerTime));
      if (!request) co_return;
      answer(client, *request);
    }
  }

 private:
  /// As the mail owner, to whom data_directory belongs.
  Result<> open_cache(daemon::Context& context, const std::string& type,
                      const std::string& name, std::chrono::seconds timeout) {
    Cache& cache = caches_[type];
    cache.timeout = timeout.count();
    if (name.empty()) return {};
    auto options = daemon::table_options(context);
    options.mode = O_RDWR | O_CREAT;
    options.flags |= maps::flag::kDupReplace | maps::flag::kOpenLock;
    std::optional<process::AsUser> owner;
    if (geteuid() == 0) {
      auto ids =
          TRY(process::find_user(context.settings->get(param::mail_owner)));
      if (ids) owner.emplace(TRY(process::AsUser::become(*ids)));
    }
    cache.table = TRY(maps::open_table(name, options));
    return {};
  }

  void answer(net::Stream& client, const ipc::TlsmgrRequest& request) {
    const std::string& what = request.request;
    if (what == "seed") {
      bool good = request.size > 0 && request.size <= kSeedLimit;
      ipc::TlsmgrSeedReply reply{.status = good ? kOk : kFail};
      if (good) {
        reply.seed.bytes =
            crypto::random_bytes(static_cast<size_t>(request.size));
      }
      ipc::append(client, reply);
      return;
    }
    if (what == "tktkey") {
      ipc::append(client, ticket_key(request.keyname.bytes));
      return;
    }
    auto found = caches_.find(request.cache_type);
    Cache* cache = found == caches_.end() ? nullptr : &found->second;
    bool works = cache != nullptr && cache->table && cache->timeout > 0;
    if (what == "policy") {
      ipc::TlsmgrPolicyReply reply{.status = cache ? kOk : kFail,
                                   .cachable = works ? 1 : 0};
      if (cache) reply.timeout = static_cast<int>(cache->timeout);
      ipc::append(client, reply);
    } else if (what == "lookup") {
      ipc::append(client, works ? lookup(*cache, request.cache_id)
                                : ipc::TlsmgrSessionReply{kError, {}});
    } else {
      ipc::append(client,
                  ipc::Status{works ? change(*cache, request) : kError});
    }
  }

  static ipc::TlsmgrSessionReply lookup(Cache& cache, const std::string& id) {
    auto value = cache.table->lookup(id);
    if (!value || !*value) return {kError, {}};
    auto session = unpack_session(**value);
    bool fresh = session && session->stored + cache.timeout > time(nullptr);
    if (!fresh) {
      (void)cache.table->remove(id);
      return {kError, {}};
    }
    return {kOk, {std::move(session->bytes)}};
  }

  static int change(Cache& cache, const ipc::TlsmgrRequest& request) {
    Result<bool> done = true;
    if (request.request == "update") {
      done = cache.table->update(
          request.cache_id, pack_session(time(nullptr), request.session.bytes));
    } else if (request.request == "delete") {
      done = cache.table->remove(request.cache_id);
    } else {
      log::warning(fmt::format("unrecognized request: {}", request.request));
      return kFail;
    }
    if (!done) log::warning(done.error().what);
    return done && *done ? kOk : kError;
  }

  ipc::TlsmgrKeyReply ticket_key(const std::string& name) {
    long now = time(nullptr), period = caches_["smtpd"].timeout;
    const TicketKey* key = nullptr;
    if (name.empty() && period > 0) {
      if (now >= current_.expires) {
        previous_ = std::move(current_);
        current_ = {crypto::random_bytes(kNameSize),
                    crypto::random_bytes(kSecretSize), now + period};
      }
      key = &current_;
    } else if (name.size() == kNameSize) {
      for (const TicketKey* one : {&current_, &previous_}) {
        if (one->name == name && now < one->expires + period) key = one;
      }
    }
    if (!key) return {kError, {}};
    std::string bytes = key->name + key->secret;
    bytes.append(reinterpret_cast<const char*>(&key->expires),
                 sizeof(key->expires));
    return {kOk, {std::move(bytes)}};
  }

  /// Removes what has expired, once in a timeout, a few entries at a time.
  static net::Task<> clean(Cache* cache) {
    while (true) {
      co_await net::sleep(std::chrono::seconds(cache->timeout));
      auto entry = cache->table->first();
      for (int n = 1; entry && *entry; ++n) {
        auto session = unpack_session((*entry)->second);
        bool fresh =
            session && session->stored + cache->timeout > time(nullptr);
        if (!fresh) (void)cache->table->remove((*entry)->first);
        if (n % 100 == 0) co_await net::sleep(std::chrono::milliseconds(1));
        entry = cache->table->next();
      }
    }
  }

  std::map<std::string, Cache> caches_;
  TicketKey current_, previous_;
};

}  // namespace

}  // namespace mail::tlsmgr

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "tlsmgr",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::tlsmgr::TlsmgrService>();
       },
       .limit = mail::daemon::ProcessLimit::One,
       .profile = mail::process::Profile::HoldsSecrets,
       .clients = 5000});
}
