#pragma once

#include <string>
#include <vector>

#include "master/service_spec.h"

namespace mail::master {

/// What a child is told beyond its line of master.cf.
struct ChildFlags {
  bool attached = false;  ///< master -d
  int verbose = 0;        ///< how many master -v
  bool rootless = false;  ///< neither -u nor -c can be done
  bool stressed = false;
  size_t sockets = 1;
};

/// argv of a daemon, in the order that master(8) gives: COMMAND [-l|-z]
/// [-n SERVICE] -t TYPE [-d] [-v] [-u] [-c] [-o stress=[yes]] [-s N] ARGS.
std::vector<std::string> child_arguments(const ServiceSpec& spec,
                                         const ChildFlags& flags);

}  // namespace mail::master
