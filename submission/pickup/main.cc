// pickup(8): moves mail from the maildrop directory to cleanup(8).
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <set>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/daemon/service.h"
#include "common/ipc/cleanup.h"
#include "common/ipc/conversation.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "common/mime/date.h"
#include "common/queue/scanner.h"
#include "common/queue/source.h"
#include "common/queue/spool.h"
#include "submission/pickup/copy.h"

namespace mail::pickup {

namespace param = config::param;
namespace status = ipc::cleanup_status;

namespace {

constexpr size_t kStepSize = 65536;
constexpr size_t kAtOnce = 20;
/// What another attempt may mend; everything else cleanup has dealt with, or
/// nobody can.
constexpr int kRetry =
    status::kWrite | status::kDefer | status::kProxy | status::kNoPermission;

class PickupService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    const auto& settings = *context.settings;
    tasks_ = context.tasks;
    cleanup_.emplace(ipc::Client::Options{
        .path = "public/" + settings.get(param::cleanup_service_name),
        .timeout = settings.get(param::ipc_timeout)});
    content_filter_ = settings.get(param::content_filter);
    host_ = settings.get(param::myhostname);
    mail_name_ = settings.get(param::mail_name);
    flags_ = ipc::cleanup_flag::kBounce | ipc::cleanup_flag::kExternal;
    for (std::string_view option :
         split(settings.get(param::receive_override_options))) {
      if (option == "no_address_mappings") {
        flags_ &= ~(ipc::cleanup_flag::kBcc | ipc::cleanup_flag::kMap);
      } else if (option == "no_header_body_checks") {
        flags_ &= ~ipc::cleanup_flag::kFilter;
      } else if (option == "no_milters") {
        flags_ &= ~ipc::cleanup_flag::kMilter;
      }
    }
    for (std::string_view name :
         split(settings.get(param::smtputf8_autodetect_classes))) {
      if (name == "sendmail" || name == "all") {
        flags_ |= ipc::cleanup_flag::kAutoUtf8;
      }
    }
    external_form_ = settings.get(param::info_log_address_format) != "internal";
    return {};
  }

  void trigger(std::string_view) override {
    again_ = true;
    if (!scanning_) tasks_->start(scan());
  }

 private:
  net::Task<> scan() {
    scanning_ = true;
    while (again_) {
      again_ = false;
      auto scanner = queue::Scanner::open(queue::kMaildrop);
      if (!scanner) {
        log::warning(scanner.error().what);
        break;
      }
      co_await take_all(*scanner);
    }
    scanning_ = false;
  }

  net::Task<> take_all(queue::Scanner& scanner) {
    net::TaskSet taking;
    while (true) {
      auto entry = scanner.next();
      if (!entry || !*entry) break;
      std::string name((*entry)->name);
      if (!queue::QueueId::valid(name)) continue;  // a temporary name
      while (taking.size() >= kAtOnce) co_await ended_.wait();
      taking.start(take(std::move(name)));
    }
    co_await taking.drained();
  }

  net::Task<> take(std::string name) {
    std::string path = std::string(queue::kMaildrop) + "/" + name;
    UniqueFd fd(
        ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    struct stat info;
    if (fd && fstat(fd.get(), &info) == 0 &&
        queue::check_file(info, time(nullptr)) == queue::FileCheck::Ready) {
      auto done = co_await submit(fd.get(), info);
      if (!done) {
        log::warning(fmt::format("{}: {}", path, done.error().what));
        if (done.error().fault == Fault::Protocol) set_aside(name, path);
      } else if (*done) {
        if (unlink(path.c_str()) != 0) {
          log::warning(fmt::format("remove {}: {}", path, strerror(errno)));
        }
      }
    }
    ended_.notify_all();
  }

  /// A file that cannot be understood is kept where somebody may look at it.
  void set_aside(const std::string& name, const std::string& path) {
    std::string to = std::string(queue::kCorrupt) + "/" + name;
    if (::rename(path.c_str(), to.c_str()) == 0) {
      log::warning(
          fmt::format("saving corrupt file \"{}\" from queue "
                      "\"maildrop\" to queue \"corrupt\"",
                      name));
    }
  }

  std::string received(long uid, const std::string& id) const {
    time_t now = time(nullptr);
    tm local{};
    localtime_r(&now, &local);
    mime::Zone zone{static_cast<int>(local.tm_gmtoff), local.tm_zone};
    return fmt::format("Received: by {} ({}, from userid {})\n\tid {}; {}",
                       host_, mail_name_, uid, id,
                       mime::format_date(now, zone));
  }

  /// True: the message is in cleanup's hands (or past help); false: later.
  net::Task<Result<bool>> submit(int fd, const struct stat& info) {
    auto deadline = net::Deadline::in(cleanup_->options().timeout);
    long uid = info.st_uid;
    long mtime = info.st_mtime;
    auto connected = co_await cleanup_->connect();
    net::Stream stream = CO_TRY(connected);
    auto greeting = co_await ipc::receive<ipc::CleanupGreeting>(
        stream, cleanup_->peer(), deadline);
    CO_CHECK(greeting);
    ipc::append(stream, ipc::CleanupFlags{flags_});
    queue::FileSource source(fd);
    Copier copier(source, {uid, mtime, content_filter_,
                           received(uid, greeting->queue_id)});
    bool logged = false;
    while (!copier.finished()) {
      CO_TRY(copier.step(kStepSize, stream.output()));
      if (!logged && !copier.in_envelope()) {
        logged = true;
        log_origin(greeting->queue_id, uid, copier);
      }
      auto sent = co_await stream.flush(deadline);
      if (!sent) break;  // cleanup says why, if it still can
    }
    auto flushed = co_await stream.flush(deadline);
    (void)flushed;
    auto reply = co_await ipc::receive<ipc::StatusReason>(
        stream, cleanup_->peer(), deadline);
    CO_CHECK(reply);
    if (reply->status == status::kOk) co_return true;
    log::warning(fmt::format(
        "{}: {}", greeting->queue_id,
        reply->reason.empty() ? "mail not accepted" : reply->reason));
    co_return (reply->status & kRetry) == 0;
  }

  void log_origin(const std::string& id, long uid, const Copier& copier) {
    std::string sender =
        external_form_ ? mime::quote_local(copier.sender()) : copier.sender();
    std::string line = fmt::format("{}: uid={} from=<{}>", id, uid, sender);
    if (!copier.original_id().empty()) {
      line += " orig_id=" + copier.original_id();
    }
    log::info(line);
  }

  net::TaskSet* tasks_ = nullptr;
  std::optional<ipc::Client> cleanup_;
  std::string content_filter_, host_, mail_name_;
  int flags_ = 0;
  bool external_form_ = true;
  bool again_ = false, scanning_ = false;
  net::Condition ended_;
};

}  // namespace

}  // namespace mail::pickup

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "pickup",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::pickup::PickupService>();
       },
       .kind = mail::daemon::Kind::Trigger,
       .limit = mail::daemon::ProcessLimit::One});
}
