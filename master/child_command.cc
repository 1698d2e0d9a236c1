#include "master/child_command.h"

#include <fmt/format.h>

namespace mail::master {

std::vector<std::string> child_arguments(const ServiceSpec& spec,
                                         const ChildFlags& flags) {
  const config::MasterService& line = spec.line;
  std::vector<std::string> argv{line.command};
  auto add = [&argv](auto... words) { (argv.emplace_back(words), ...); };
  if (line.process_limit == 1) add("-l");
  if (line.process_limit == 0) add("-z");
  size_t slash = line.command.rfind('/');
  std::string_view base = line.command;
  if (slash != base.npos) base.remove_prefix(slash + 1);
  if (base != line.name) add("-n", line.name);
  add("-t", std::string(name_of(line.type)));
  if (flags.attached) add("-d");
  for (int i = 0; i < flags.verbose; ++i) add("-v");
  if (line.unprivileged && !flags.rootless) add("-u");
  if (line.chroot && !flags.rootless) add("-c");
  // Also a service without limit has none to reach.
  if (!spec.local_only && line.process_limit > 1) {
    add("-o", flags.stressed ? "stress=yes" : "stress=");
  }
  if (flags.sockets > 1) add("-s", fmt::format("{}", flags.sockets));
  argv.insert(argv.end(), line.args.begin(), line.args.end());
  return argv;
}

}  // namespace mail::master
