// postlogd(8): writes what the other programs log to maillog_file.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
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

  void datagrams(std::span<const std::string_view> texts) override {
    if (!file_) {
      for (auto text : texts) forward(text);
      return;
    }
    lines_.clear();
    for (auto text : texts) lines_.append(text).append(1, '\n');
    if (auto written = write_all(file_.get(), lines_); !written) {
      tell_failure(written.error().sys);
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

  /// Once for each reason, to syslog: the file cannot tell of itself.
  void tell_failure(int reason) {
    if (reason == failed_with_) return;
    failed_with_ = reason;
    log::Config to_syslog = syslog_;
    to_syslog.file_only = false;
    to_syslog.file.clear();
    log::open(std::move(to_syslog));
    log::error(fmt::format("write log file: {}", strerror(reason)));
  }

  UniqueFd file_;
  std::string lines_;
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
