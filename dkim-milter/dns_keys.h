#pragma once

#include <thread>
#include <unordered_map>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/dns/resolver.h"
#include "common/net/task_set.h"
#include "dkim-milter/key_source.h"

namespace mail::dkim_milter {

struct DnsOptions {
  std::string nameservers;  ///< "192.0.2.1,192.0.2.2@5353"; "": resolv.conf
  unsigned timeout = 5;     ///< seconds; 0: for ever
  bool dnssec = false;      ///< ask for signatures, so that AD is told
  bool by_tcp = false;
};

/// Keys from DNS. One thread with a loop asks for all; read records are kept
/// for the TTL of their answer, so a key is parsed once. The thread begins
/// with the first question, hence after any fork.
class DnsKeys : public KeySource {
 public:
  /// Before chroot. Errors: Config, a name server that is no address.
  static Result<std::unique_ptr<DnsKeys>> open(const DnsOptions& options);
  ~DnsKeys() override;
  PendingPtr ask(const std::string& name) override;

 private:
  struct Question {
    std::string name;
    PendingPtr pending;
  };
  struct Kept {
    dkim::KeyAnswer answer;
    Instant until;
  };
  DnsKeys(const DnsOptions& options, std::unique_ptr<dns::Resolver> resolver);
  void run();
  net::Task<> serve();
  net::Task<> look_up(Question question);
  void keep(const std::string& name, const dkim::KeyAnswer& answer,
            uint32_t ttl);

  DnsOptions options_;
  std::unique_ptr<dns::Resolver> resolver_;
  UniqueFd wake_;  // eventfd: there are questions, or the end has come
  std::mutex mutex_;
  std::vector<Question> questions_;
  std::unordered_map<std::string, Kept> kept_;
  bool started_ = false, stopping_ = false;
  std::thread thread_;
  net::TaskSet* lookups_ = nullptr;  // of the thread
};

/// What an answer for TXT records says about a key.
dkim::KeyAnswer key_answer(const dns::Answer& answer);

}  // namespace mail::dkim_milter
