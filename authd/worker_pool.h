#pragma once

#include <list>
#include <memory>
#include <string>

#include "authd/calls.h"
#include "authd/worker_protocol.h"
#include "common/net/condition.h"
#include "common/net/stream.h"
#include "common/net/task_set.h"
#include "common/process/worker.h"

namespace mail::authd {

/// Asks databases: those that block in worker processes, up to `limit` at the
/// same time; slow hashes on the threads of this one; the rest here.
class WorkerPool : public Calls {
 public:
  WorkerPool(std::string path, unsigned limit, std::string hash);
  ~WorkerPool() override;

  net::Task<PassAnswer> verify(Passdb& passdb, const Request& request,
                               std::string_view password) override;
  net::Task<> check(Passdb& passdb, const Request& request, PassAnswer& answer,
                    std::string_view password) override;
  net::Task<PassAnswer> look_up(Passdb& passdb,
                                const Request& request) override;
  net::Task<UserAnswer> look_up(Userdb& userdb,
                                const Request& request) override;
  net::Task<Listed> list(Userdb& userdb, const Request& request) override;

 private:
  struct Connection {
    net::Stream stream;
    Instant idle_since{};
  };
  using Lines = std::vector<std::string>;
  /// The lines of the answer, without its id. Errors: no worker could be had.
  net::Task<Result<Lines>> ask(WorkerQuestion question);
  net::Task<Result<std::unique_ptr<Connection>>> take();
  void give_back(std::unique_ptr<Connection> connection);
  net::Task<Result<Lines>> converse(Connection& connection, std::string line,
                                    unsigned id);
  net::Task<Result<bool>> verify_hash(std::string scheme, std::string raw,
                                      std::string password, std::string user);
  void failed(const Error& error);

  std::string path_;
  unsigned limit_, open_ = 0, next_id_ = 1;
  std::string hash_;
  std::list<std::unique_ptr<Connection>> idle_;
  net::Condition changed_;
  Instant complained_{};
};

}  // namespace mail::authd
