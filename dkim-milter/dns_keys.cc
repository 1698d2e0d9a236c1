#include "dkim-milter/dns_keys.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/check.h"
#include "common/base/number.h"
#include "common/net/descriptor.h"

namespace mail::dkim_milter {

namespace {

constexpr size_t kMaxKept = 4096;
constexpr uint32_t kMaxTtl = 3600, kMaxNegativeTtl = 60;

Result<dns::ResolvConf> read_servers(const DnsOptions& options) {
  dns::ResolvConf conf;
  for (std::string_view piece : split(options.nameservers, ", \t")) {
    size_t at = piece.find('@');
    auto address = net::IpAddress::parse(piece.substr(0, at));
    auto port = at == std::string_view::npos
                    ? std::optional<uint16_t>(53)
                    : parse_number<uint16_t>(piece.substr(at + 1));
    if (!address || !port) {
      return fail(Fault::Config,
                  fmt::format("Nameservers: \"{}\" is not an address", piece));
    }
    net::Endpoint server;
    server.address = *address;
    server.port = *port;
    conf.servers.push_back(server);
  }
  conf.use_tcp = options.by_tcp;
  return conf;
}

}  // namespace

dkim::KeyAnswer key_answer(const dns::Answer& answer) {
  using Kind = dkim::KeyAnswer::Kind;
  dkim::KeyAnswer out;
  out.authenticated = answer.authenticated;
  switch (answer.status) {
    case dns::Status::NotFound:
      out.kind = Kind::NotFound;
      out.problem = fmt::format("'{}' record not found", answer.name);
      return out;
    case dns::Status::NoData:
      out.kind = Kind::NotFound;
      return out;
    case dns::Status::Found:
      break;
    default:
      out.problem = fmt::format("'{}' query failed: {}", answer.name,
                                dns::status_text(answer.status));
      return out;
  }
  std::vector<std::string> texts;
  for (const auto& record : answer.records) texts.push_back(record.data);
  out.kind = Kind::Found;
  auto record = std::make_shared<dkim::KeyRecord>();
  if (auto text = dkim::choose_key_record(texts)) {
    *record = dkim::read_key_record(*text);
  } else {
    record->status = dkim::Status::KeyMultiple;
    record->problem = fmt::format("multiple DNS replies for '{}'", answer.name);
  }
  out.problem = record->problem;
  out.record = std::move(record);
  return out;
}

Result<std::unique_ptr<DnsKeys>> DnsKeys::open(const DnsOptions& options) {
  dns::ResolvConf conf = TRY(read_servers(options));
  std::unique_ptr<dns::Resolver> resolver;
  if (conf.servers.empty()) {
    resolver = TRY(dns::Resolver::open());
  } else {
    resolver = std::make_unique<dns::Resolver>(conf);
  }
  return std::unique_ptr<DnsKeys>(new DnsKeys(options, std::move(resolver)));
}

DnsKeys::DnsKeys(const DnsOptions& options,
                 std::unique_ptr<dns::Resolver> resolver)
    : options_(options),
      resolver_(std::move(resolver)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(wake_);
}

DnsKeys::~DnsKeys() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  if (!thread_.joinable()) return;
  eventfd_write(wake_.get(), 1);
  thread_.join();
}

PendingPtr DnsKeys::ask(const std::string& name) {
  std::string key = lower(name);
  std::lock_guard lock(mutex_);
  auto at = kept_.find(key);
  if (at != kept_.end() && Clock::now() < at->second.until) {
    return std::make_shared<PendingKey>(at->second.answer);
  }
  if (!started_) {
    // Signals are for the threads that wait for them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    started_ = true;
  }
  auto pending = std::make_shared<PendingKey>();
  questions_.push_back({key, pending});
  eventfd_write(wake_.get(), 1);
  return pending;
}

void DnsKeys::run() {
  net::Loop loop;
  loop.run(serve());
}

net::Task<> DnsKeys::serve() {
  net::TaskSet lookups;
  lookups_ = &lookups;
  net::Descriptor wake(UniqueFd(dup(wake_.get())));
  while (true) {
    auto ready = co_await wake.readable(net::Deadline::never());
    CHECK(ready);
    eventfd_t count;
    eventfd_read(wake.fd(), &count);
    std::vector<Question> questions;
    bool stopping;
    {
      std::lock_guard lock(mutex_);
      questions.swap(questions_);
      stopping = stopping_;
    }
    if (stopping) {
      for (auto& question : questions) question.pending->answer({});
      co_return;
    }
    for (auto& question : questions) {
      lookups.start(look_up(std::move(question)));
    }
  }
}

net::Task<> DnsKeys::look_up(Question question) {
  // A lookup that is cancelled has failed: somebody may still wait for it.
  struct Promise {
    PendingPtr pending;
    ~Promise() {
      if (pending) pending->answer({});
    }
  };
  Promise promise{question.pending};
  net::Deadline deadline =
      options_.timeout == 0
          ? net::Deadline::never()
          : net::Deadline::in(std::chrono::seconds(options_.timeout));
  dns::Resolver::Options options;
  options.dnssec = options_.dnssec;
  dns::Answer found = co_await resolver_->lookup(question.name, dns::Type::TXT,
                                                 deadline, options);
  dkim::KeyAnswer answer = key_answer(found);
  if (answer.kind == dkim::KeyAnswer::Kind::Failed && deadline.passed()) {
    answer.problem = fmt::format("'{}' query timed out", question.name);
  }
  keep(question.name, answer, found.ttl);
  promise.pending->answer(std::move(answer));
  promise.pending.reset();
}

void DnsKeys::keep(const std::string& name, const dkim::KeyAnswer& answer,
                   uint32_t ttl) {
  using Kind = dkim::KeyAnswer::Kind;
  if (answer.kind == Kind::Failed) return;
  ttl = std::min(ttl, answer.kind == Kind::Found ? kMaxTtl : kMaxNegativeTtl);
  Instant now = Clock::now();
  std::lock_guard lock(mutex_);
  if (kept_.size() >= kMaxKept) {
    std::erase_if(kept_, [&](const auto& k) { return k.second.until <= now; });
    if (kept_.size() >= kMaxKept) kept_.clear();
  }
  kept_.insert_or_assign(name, Kept{answer, now + std::chrono::seconds(ttl)});
}

}  // namespace mail::dkim_milter
