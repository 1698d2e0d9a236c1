// postlogd(8): writes what the other programs log to maillog_file.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/file.h"
#include "common/config/postfix/params.h"
#include "common/daemon/service.h"
#include "common/log/log.h"
#include "master/postlogd/record.h"

namespace mail::postlogd {

namespace param = config::param;

namespace {

class PostlogService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    const auto& settings = *context.settings;
    std::string path = settings.get(param::maillog_file);
    // Our own lines must not come back to us as datagrams.
    log::Config own = log::config();
    own.postlog_socket.clear();
    own.file_only = !path.empty();
    syslog_ = own;
    log::open(std::move(own));
    if (path.empty()) return {};
    const std::string& prefixes = settings.get(param::maillog_file_prefixes);
    if (!has_prefix(path, prefixes)) {
      return fail(Fault::Config,
                  fmt::format("maillog_file value '{}' does not match any "
                              "prefix in maillog_file_prefixes",
                              path));
    }
    // With the rights that the directory asks for, so before they are gone.
    mode_t before = umask(022);
    auto fd = open_file(path, O_WRONLY | O_APPEND | O_CREAT, 0644);
    umask(before);
    file_ = TRY(std::move(fd));
    return {};
  }

  void datagram(std::string_view text) override {
    if (!file_) {
      forward(text);
      return;
    }
    iovec pieces[] = {{const_cast<char*>(text.data()), text.size()},
                      {const_cast<char*>("\n"), 1}};
    if (writev(file_.get(), pieces, 2) < 0 && errno != failed_with_) {
      failed_with_ = errno;
      log::Config to_syslog = syslog_;
      to_syslog.file_only = false;
      to_syslog.file.clear();
      log::open(std::move(to_syslog));
      log::error(fmt::format("write log file: {}", strerror(errno)));
    }
  }

 private:
  /// No log file: syslog gets the line under the sender's name.
  void forward(std::string_view text) {
    auto record = parse_record(text);
    if (!record) return;
    log::Config config = syslog_;
    config.ident = record->ident;
    config.with_pid = false;
    if (log::config().ident != config.ident) log::open(std::move(config));
    log::line(record->level, record->text);
  }

  UniqueFd file_;
  log::Config syslog_;
  int failed_with_ = 0;
};

}  // namespace

}  // namespace mail::postlogd

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "postlogd",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::postlogd::PostlogService>();
       },
       .kind = mail::daemon::Kind::Datagram,
       .limit = mail::daemon::ProcessLimit::One,
       .stays = true});
}
