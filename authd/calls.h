#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "authd/passdb.h"
#include "authd/userdb.h"
#include "common/net/task.h"

namespace mail::authd {

/// How databases are asked: here, on the worker pool, or in a worker process.
/// `request` and the database must live until the task ends.
class Calls {
 public:
  virtual ~Calls() = default;
  virtual net::Task<PassAnswer> verify(Passdb& passdb, const Request& request,
                                       std::string_view password) = 0;
  /// Checks `password` against what was found (or cached); see check_stored().
  virtual net::Task<> check(Passdb& passdb, const Request& request,
                            PassAnswer& answer, std::string_view password) = 0;
  virtual net::Task<PassAnswer> look_up(Passdb& passdb,
                                        const Request& request) = 0;
  virtual net::Task<UserAnswer> look_up(Userdb& userdb,
                                        const Request& request) = 0;
  struct Listed {
    std::vector<std::string> users;
    bool complete = false;
  };
  virtual net::Task<Listed> list(Userdb& userdb, const Request& request) = 0;
};

/// All in this task, at once: for workers and tests.
class DirectCalls : public Calls {
 public:
  net::Task<PassAnswer> verify(Passdb& passdb, const Request& request,
                               std::string_view password) override;
  net::Task<> check(Passdb& passdb, const Request& request, PassAnswer& answer,
                    std::string_view password) override;
  net::Task<PassAnswer> look_up(Passdb& passdb,
                                const Request& request) override;
  net::Task<UserAnswer> look_up(Userdb& userdb,
                                const Request& request) override;
  net::Task<Listed> list(Userdb& userdb, const Request& request) override;
};

}  // namespace mail::authd
