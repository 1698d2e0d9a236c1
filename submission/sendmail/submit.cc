#include "submission/sendmail/submit.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/file.h"
#include "common/ipc/cleanup.h"
#include "common/process/socket_child.h"

namespace mail::sendmail {

Result<Postdrop> Postdrop::start(const std::string& path) {
  auto child = TRY(process::start_on_socket(path, {"postdrop", "-r"}));
  return Postdrop(std::move(child.socket), child.pid);
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
