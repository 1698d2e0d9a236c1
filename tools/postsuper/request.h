#pragma once

#include "tools/postsuper/structure.h"

namespace mail::postsuper {

/// One thing to do with one message, "-" (ids from standard input) or "ALL".
struct Wish {
  Action action;
  std::string id;
};

/// A command line of postsuper(1).
struct Request {
  std::string config_directory;
  Repair repair;
  std::vector<Wish> wishes;  ///< in the order given
  std::vector<std::string> queues;
  bool verbose = false;
};

/// Errors: Config, with the usage or the complaint for after "fatal: ".
Result<Request> parse(int argc, char** argv);

/// Does it: first the repairs, then the wishes, then says the totals.
/// Errors: for after "fatal: ".
Result<> run(const queue::Layout& layout, const Request& request,
             const Voice& voice);

}  // namespace mail::postsuper
