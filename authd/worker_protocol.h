#pragma once

#include <string>
#include <string_view>

#include "authd/passdb.h"
#include "authd/userdb.h"

// What auth and its worker processes (the same binary with -w) say to each
// other over the socket auth-worker, a line each (ipc/tabbed.h):
//   auth → worker   VERSION postcote-auth-worker 1 HASH   (of the databases)
//   auth → worker   ID PASSV|PASSL|USER|LIST service database [password] fields
//   worker → auth   ID result [stored scheme] fields     ID * name    (LIST)
// A worker serves one question at a time.
namespace mail::authd {

constexpr size_t kWorkerLine = 65536;
/// Of the databases and their order: a worker with another configuration must
/// not answer.
std::string databases_hash(const Settings& settings);

/// A question, as a worker reads it.
struct WorkerQuestion {
  enum class Kind { Verify, LookUpPass, LookUpUser, List } kind;
  unsigned id = 0, database = 0;
  std::string password;
  Request request;  ///< without settings

  std::string encode() const;
  /// Errors: Protocol.
  static Result<WorkerQuestion> parse(std::string_view line);
};
std::string encode_answer(unsigned id, const PassAnswer& answer);
std::string encode_answer(unsigned id, const UserAnswer& answer);
/// The inverse, of the pieces behind the id; what cannot be read is a failure.
PassAnswer read_pass_answer(std::string_view line);
UserAnswer read_user_answer(std::string_view line);

}  // namespace mail::authd
