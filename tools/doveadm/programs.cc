// doveadm config, exec, log reopen: what others do.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/config/dovecot/setting_list.h"
#include "tools/doveadm/context.h"

namespace mail::doveadm {

namespace setting = config::dovecot::setting;

namespace {

[[noreturn]] void become_program(Context& context, const std::string& path,
                                 std::vector<std::string> words) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  context.flush();
  execv(path.c_str(), argv.data());
  context.fatal(fmt::format("execv({}) failed: {}", path, strerror(errno)));
}

/// doveconf, which stands beside doveadm.
int config(Context& context) {
  char self[4096];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self);
  std::string path(self, length > 0 ? static_cast<size_t>(length) : 0);
  path = path.substr(0, path.rfind('/') + 1) + "doveconf";
  std::vector<std::string> words = {"doveconf", "-c", context.config_path};
  words.insert(words.end(), context.arguments.begin() + 1,
               context.arguments.end());
  become_program(context, path, std::move(words));
}

int exec(Context& context) {
  std::vector<std::string> words(context.arguments.begin() + 1,
                                 context.arguments.end());
  if (words.empty()) context.usage();
  std::string path = words[0];
  if (!path.starts_with('/')) {
    path = fmt::format("{}/{}", context.settings().get(setting::libexec_dir),
                       words[0]);
  }
  become_program(context, path, std::move(words));
}

int log_reopen(Context& context) {
  pid_t pid = master_pid(context);
  if (kill(pid, SIGUSR1) != 0) {
    context.fatal(
        fmt::format("kill({}, {}) failed: {}", pid, SIGUSR1, strerror(errno)));
  }
  return kOk;
}

}  // namespace

std::vector<Command> program_commands() {
  return {{"config", config}, {"exec", exec}, {"log reopen", log_reopen}};
}

}  // namespace mail::doveadm
