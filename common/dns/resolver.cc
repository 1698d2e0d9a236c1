#include "common/dns/resolver.h"

#include <algorithm>
#include <cerrno>

#include "common/base/ascii.h"
#include "common/dns/exchange.h"
#include "common/net/within.h"

namespace mail::dns {

namespace {

using net::Deadline;
using net::Task;

constexpr int kMaxQueries = 16;
constexpr auto kLookInterval = std::chrono::seconds(1);

std::string cache_key(std::string_view name, Type type, bool dnssec) {
  return std::to_string(static_cast<unsigned>(type)) + (dnssec ? "+" : "-") +
         lower(name);
}

Answer empty_answer(std::string_view name, Type type, Status status) {
  Answer out;
  out.status = status;
  out.name = out.canonical = name;
  out.type = type;
  return out;
}

}  // namespace

/// A question on its way, and who else waits for its answer.
struct Resolver::Pending {
  net::Condition changed;
  std::optional<Answer> answer;
  bool abandoned = false;  // the asker was cancelled: ask yourself
};

Resolver::Resolver(ResolvConf conf, Hosts hosts)
    : resolv_conf_file_(""),
      hosts_file_(""),
      conf_(std::move(conf)),
      hosts_(std::move(hosts)) {}

Resolver::Resolver(RealRoot root, Files files)
    : root_(std::move(root)),
      resolv_conf_file_(std::move(files.resolv_conf)),
      hosts_file_(std::move(files.hosts)) {}

Resolver::~Resolver() = default;

Result<std::unique_ptr<Resolver>> Resolver::open(Files files) {
  RealRoot root = TRY(RealRoot::open());
  std::unique_ptr<Resolver> out(
      new Resolver(std::move(root), std::move(files)));
  out->conf_ =
      parse_resolv_conf(out->resolv_conf_file_.read(*out->root_).value_or(""));
  out->hosts_ = Hosts::parse(out->hosts_file_.read(*out->root_).value_or(""));
  return out;
}

Result<std::unique_ptr<Resolver>> Resolver::open() { return open(Files()); }

void Resolver::refresh() {
  if (!root_) return;
  Instant now = Clock::now();
  if (looked_at_ && now - *looked_at_ < kLookInterval) return;
  looked_at_ = now;
  // A file that is just being replaced keeps its old meaning until it is
  // there again.
  if (resolv_conf_file_.changed(*root_)) {
    if (auto text = resolv_conf_file_.read(*root_)) {
      conf_ = parse_resolv_conf(*text);
      cache_.clear();
    }
  }
  if (hosts_file_.changed(*root_)) {
    if (auto text = hosts_file_.read(*root_)) hosts_ = Hosts::parse(*text);
  }
}

const ResolvConf& Resolver::conf() {
  refresh();
  return conf_;
}

const Hosts& Resolver::hosts() {
  refresh();
  return hosts_;
}

// One step of a chain: from the cache, from who asks already, or from a server.
Task<Answer> Resolver::ask(std::string name, Type type, Options options,
                           Deadline deadline) {
  std::string key = cache_key(name, type, options.dnssec);
  struct Wait {
    static Task<Result<bool>> for_answer(std::shared_ptr<Pending> other) {
      while (!other->answer && !other->abandoned) {
        co_await other->changed.wait();
      }
      co_return true;
    }
  };
  while (true) {
    if (auto kept = cache_.find(key, Clock::now())) {
      kept->name = name;
      co_return *kept;
    }
    auto other = pending_.find(key);
    if (other == pending_.end()) break;
    std::shared_ptr<Pending> pending = other->second;
    auto waited = co_await net::within(deadline, Wait::for_answer(pending));
    if (!waited) co_return empty_answer(name, type, Status::Temporary);
    if (pending->answer) {
      Answer answer = *pending->answer;
      answer.name = name;
      co_return answer;
    }
  }
  struct Asker {
    Resolver* self;
    std::string key;
    std::shared_ptr<Pending> pending = std::make_shared<Pending>();
    ~Asker() {
      self->pending_.erase(key);
      pending->abandoned = !pending->answer;
      pending->changed.notify_all();
    }
  };
  Asker asker{this, key};
  pending_[key] = asker.pending;
  Question question;
  question.name = name;
  question.type = type;
  question.dnssec = options.dnssec;
  auto reply = co_await exchange(conf_, question, deadline);
  Answer answer = empty_answer(name, type, Status::Temporary);
  if (!reply) {
    if (reply.error().fault == Fault::Protocol) {
      answer.status = Status::NotFound;  // no such name can exist
      co_return answer;
    }
    // Who has less time than the servers need speaks only for himself.
    if (reply.error().sys == ETIMEDOUT) co_return answer;
  } else if (reply->code == Reply::Code::Success ||
             reply->code == Reply::Code::NameError) {
    answer = std::move(reply->answer);
  } else {
    answer.status = Status::ServerFailure;
  }
  cache_.keep(key, answer, Clock::now());
  asker.pending->answer = answer;
  co_return answer;
}

Task<Answer> Resolver::chase(std::string name, Type type, Options options,
                             Deadline deadline) {
  Answer answer = co_await ask(name, type, options, deadline);
  for (int link = 0; link < kMaxQueries; ++link) {
    if (answer.status != Status::Found || !answer.records.empty()) {
      co_return answer;
    }
    Answer next = co_await ask(answer.canonical, type, options, deadline);
    next.name = name;
    next.authenticated = next.authenticated && answer.authenticated;
    next.ttl = std::min(next.ttl, answer.ttl);
    answer = std::move(next);
  }
  co_return empty_answer(name, type, Status::ServerFailure);
}

Task<Answer> Resolver::lookup(std::string name, Type type, Deadline deadline) {
  return lookup(std::move(name), type, deadline, Options());
}

Task<Answer> Resolver::lookup(std::string name, Type type, Deadline deadline,
                              Options options) {
  refresh();
  bool absolute = name.ends_with('.');
  if (absolute) name.pop_back();
  std::vector<std::string> names{name};
  if (options.search && !absolute) {
    size_t dots =
        static_cast<size_t>(std::count(name.begin(), name.end(), '.'));
    auto place = dots >= conf_.ndots ? names.end() : names.begin();
    std::vector<std::string> more;
    for (const auto& domain : conf_.search) more.push_back(name + "." + domain);
    names.insert(place, more.begin(), more.end());
  }
  std::optional<Answer> best;
  for (const auto& full : names) {
    Answer answer = co_await chase(full, type, options, deadline);
    answer.name = name;
    if (answer.status == Status::Found) co_return answer;
    // "No data" says more than "no such name"; a failure more than both.
    if (!best || answer.status > best->status) best = std::move(answer);
  }
  co_return *best;
}

}  // namespace mail::dns
