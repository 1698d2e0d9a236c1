#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "dkim-milter/options.h"
#include "dkim-milter/process.h"
#include "dkim-milter/transaction.h"

namespace mail::dkim_milter {

constexpr char kDefaultConf[] = "/etc/opendkim.conf";

/// The configuration that options ask for, the command line's words applied.
/// file: the path that was read; "" if the usual one is not there.
struct ReadConf {
  config::opendkim::Conf conf;
  std::string file;
};
Result<ReadConf> read_conf(const Options& options);

/// The present settings of the process and how they are exchanged: SIGUSR1
/// sets a flag, and the next connection reads the files again.
class Filter {
 public:
  explicit Filter(const Options& options) : options_(options) {}
  /// Reads, checks, opens; lines for the log are kept in warnings().
  /// Errors: Config, the text for standard error.
  Result<> load(const config::opendkim::Conf& conf, const std::string& file,
                uid_t signer);
  const std::vector<std::string>& warnings() const { return warnings_; }

  static void request_reload();  // from a signal handler
  /// What a new connection goes by; reads anew first if asked to.
  std::shared_ptr<const Context> context();

 private:
  void reload();
  Result<> load_locked(const config::opendkim::Conf& conf,
                       const std::string& file);

  Options options_;
  std::mutex mutex_;
  std::string file_;
  uid_t signer_ = 0;
  std::shared_ptr<const Context> context_;
  std::vector<std::string> warnings_;
};

/// Serves the MTA until told to stop; the exit status.
int run_filter(const Options& options, const ReadConf& conf);
/// -t: evaluates message files. -Q: asks data sets.
int run_test_mode(const Options& options, const ReadConf& conf);
int run_query_mode();

}  // namespace mail::dkim_milter
