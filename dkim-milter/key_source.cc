#include "dkim-milter/key_source.h"

#include "dkim-milter/dns_keys.h"

namespace mail::dkim_milter {

namespace {
constexpr size_t kMaxAnswered = 4096;
}  // namespace

void PendingKey::answer(dkim::KeyAnswer answer) {
  {
    std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  answered_.notify_all();
}

std::optional<dkim::KeyAnswer> PendingKey::wait(Duration span) {
  std::unique_lock lock(mutex_);
  answered_.wait_for(lock, span, [&] { return answer_.has_value(); });
  return answer_;
}

PendingPtr TableKeys::ask(const std::string& name) {
  std::lock_guard lock(mutex_);
  auto at = answered_.find(name);
  if (at != answered_.end()) return at->second;
  dkim::KeyAnswer answer;
  auto found = records_.find(name);
  if (!found) {
    answer.problem = found.error().what;
  } else if (!*found) {
    answer.kind = missing_;
    answer.problem = "'" + name + "' record not found";
  } else {
    answer.kind = dkim::KeyAnswer::Kind::Found;
    answer.record =
        std::make_shared<const dkim::KeyRecord>(dkim::read_key_record(**found));
  }
  auto pending = std::make_shared<PendingKey>(std::move(answer));
  if (answered_.size() >= kMaxAnswered) answered_.clear();
  answered_.emplace(name, pending);
  return pending;
}

bool same_source(const Settings& a, const Settings& b) {
  return !a.test_dns && !b.test_dns && a.test_keys.empty() &&
         b.test_keys.empty() && a.nameservers == b.nameservers &&
         a.dns_timeout == b.dns_timeout && a.dnssec == b.dnssec &&
         a.dns_by_tcp == b.dns_by_tcp;
}

Result<std::shared_ptr<KeySource>> make_key_source(const Settings& settings) {
  using Kind = dkim::KeyAnswer::Kind;
  if (settings.test_dns) {
    return std::make_shared<TableKeys>(*settings.test_dns, Kind::Failed);
  }
  if (!settings.test_keys.empty()) {
    auto keys = TRY(maps::DataSet::open("file:" + settings.test_keys,
                                        maps::DataSet::Case::Fold));
    return std::make_shared<TableKeys>(keys, Kind::NotFound);
  }
  DnsOptions options;
  options.nameservers = settings.nameservers;
  options.timeout = settings.dns_timeout;
  options.dnssec = settings.dnssec;
  options.by_tcp = settings.dns_by_tcp;
  return std::shared_ptr<KeySource>(TRY(DnsKeys::open(options)));
}

}  // namespace mail::dkim_milter
