#include "submission/sendmail/submit.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/file.h"
#include "common/ipc/cleanup.h"

extern char** environ;

namespace mail::sendmail {

Result<Postdrop> Postdrop::start(const std::string& path) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return fail_errno("socketpair", errno);
  }
  UniqueFd ours(fds[0]), theirs(fds[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDOUT_FILENO);
  std::string name = "postdrop", option = "-r";
  char* arguments[] = {name.data(), option.data(), nullptr};
  pid_t pid;
  int error =
      posix_spawn(&pid, path.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail_errno("execute " + path, error);
  return Postdrop(std::move(ours), pid);
}

Result<> Postdrop::write(std::string_view bytes) {
  return write_all(socket_.get(), bytes);
}

Result<> Postdrop::finish() {
  std::string input;
  char buffer[4096];
  while (true) {
    // Two messages: the greeting with the queue id, and the verdict.
    size_t greeting = ipc::message_size(input);
    size_t verdict =
        greeting ? ipc::message_size(std::string_view(input).substr(greeting))
                 : 0;
    if (verdict) {
      auto reply = TRY(ipc::decode<ipc::StatusReason>(
          std::string_view(input).substr(greeting), "postdrop"));
      int status;
      while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
      if (reply.status == 0) return {};
      return fail(Fault::Permanent,
                  reply.reason.empty() ? "mail not accepted" : reply.reason);
    }
    ssize_t n = read(socket_.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      int status = 0;
      while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
      return fail(Fault::Temporary,
                  "mail system configuration error: postdrop "
                  "ended without a reply");
    }
    input.append(buffer, static_cast<size_t>(n));
  }
}

}  // namespace mail::sendmail
