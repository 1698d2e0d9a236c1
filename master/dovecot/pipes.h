#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail::dovecot {

struct Pipe {
  UniqueFd read, write;
  static Result<Pipe> make();
};

/// The pipes to the log service: one of the master's own commands, one of the
/// master's lines, one for each service. They outlive a log process, so that
/// nothing is lost when it is replaced.
class LogPipes {
 public:
  /// Errors: Temporary, pipe.
  static Result<LogPipes> make();
  /// Where the children of a service write. Errors: Temporary, pipe.
  Result<int> writer_for(const std::string& service);
  /// Says each pipe's prefix, to a log process that is about to start.
  void greet();
  bool has(const std::string& service) const {
    return services_.contains(service);
  }
  /// In the order in which the log process has them, from descriptor 7 on.
  std::vector<int> readers() const;

  /// "FATAL text", "DEFAULT-FATAL text" or "BYE" of a process.
  void tell(const std::string& service, int pid, std::string_view text);
  int own_writer() const { return own_.write.get(); }

 private:
  Pipe control_, own_;
  std::vector<std::string> order_;
  std::map<std::string, Pipe> services_;
};

/// Into a pipe whose reader may be gone or slow: what it does not take is lost.
void write_to(int fd, std::string_view text);

}  // namespace mail::dovecot
