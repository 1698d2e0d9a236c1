#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/real_root.h"
#include "common/dns/answer.h"
#include "common/dns/cache.h"
#include "common/dns/hosts.h"
#include "common/dns/resolv_conf.h"
#include "common/net/condition.h"
#include "common/net/deadline.h"
#include "common/net/task.h"

namespace mail::dns {

/// Where a process asks for names. One a process; open it before chroot: it
/// follows changes of /etc/resolv.conf and /etc/hosts from then on, wherever
/// the process has gone, and needs no file inside the jail.
///
/// Each query has a random id and its own socket; TCP after truncation. Equal
/// questions at the same moment are asked once. Answers are kept for their TTL
/// (at most an hour, negative ones 60 s), failures 1 s.
class Resolver {
 public:
  struct Files {
    std::string resolv_conf = "/etc/resolv.conf";
    std::string hosts = "/etc/hosts";
  };
  /// What to ask for besides the records.
  struct Options {
    bool dnssec = false;  ///< DO: ask for signatures, so that AD is told
    bool search = false;  ///< try resolv.conf's search list (RES_DNSRCH)
  };

  /// Errors: "open /: reason". Missing files are none: 127.0.0.1 is asked.
  static Result<std::unique_ptr<Resolver>> open(Files files);
  static Result<std::unique_ptr<Resolver>> open();
  /// A resolver of fixed servers, for tests and tools.
  explicit Resolver(ResolvConf conf, Hosts hosts = {});
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Asks for one type. A CNAME chain is followed (16 at the most). `name` is
  /// absolute, with or without the final dot. Never fails in another way than
  /// by Answer::status. deadline: over all tries; their own limits are
  /// resolv.conf's.
  net::Task<Answer> lookup(std::string name, Type type, net::Deadline deadline);
  net::Task<Answer> lookup(std::string name, Type type, net::Deadline deadline,
                           Options options);

  /// The present contents of the files, looked at once a second at the most.
  const ResolvConf& conf();
  const Hosts& hosts();

 private:
  struct Pending;
  Resolver(RealRoot root, Files files);
  void refresh();
  net::Task<Answer> chase(std::string name, Type type, Options options,
                          net::Deadline deadline);
  net::Task<Answer> ask(std::string name, Type type, Options options,
                        net::Deadline deadline);

  std::optional<RealRoot> root_;
  WatchedFile resolv_conf_file_, hosts_file_;
  std::optional<Instant> looked_at_;
  ResolvConf conf_;
  Hosts hosts_;
  Cache cache_;
  std::map<std::string, std::shared_ptr<Pending>> pending_;
};

}  // namespace mail::dns
