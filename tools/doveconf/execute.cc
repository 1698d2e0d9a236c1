#include "tools/doveconf/execute.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/base/ascii.h"
#include "common/config/dovecot/flatten.h"
#include "common/process/dovecot_files.h"
#include "common/process/dovecot_problems.h"

namespace mail::doveconf {

namespace {

constexpr int kExecFailed = 84;

}  // namespace

int execute(const Options& options, const config::dovecot::Configuration& all,
            const config::dovecot::Merged& merged) {
  process::DovecotFiles files;
  auto values = config::dovecot::flatten(merged, options.modules,
                                         all.impl().files, files);
  if (!values) {
    process::write_stderr(
        fmt::format("doveconf: Fatal: {}\n", values.error().what));
    return 89;
  }
  for (const auto& [key, value] : *values) {
    setenv(upper(key).c_str(), value.c_str(), 1);
  }
  setenv("DOVECONF_ENV", "1", 1);
  std::vector<char*> argv;
  for (const auto& word : options.command) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  process::write_stderr(fmt::format("doveconf: Fatal: execvp({}) failed: {}\n",
                                    options.command[0], strerror(errno)));
  return kExecFailed;
}

}  // namespace mail::doveconf
