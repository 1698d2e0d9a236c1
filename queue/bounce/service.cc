#include "queue/bounce/service.h"

#include <fmt/format.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/config/postfix/params.h"
#include "common/daemon/tables.h"
#include "common/ipc/cleanup.h"
#include "common/ipc/delivery.h"
#include "common/ipc/post.h"
#include "common/log/log.h"
#include "common/mime/address.h"

namespace mail::bounce {

namespace param = config::param;
namespace code = ipc::bounce_request;

namespace {

constexpr std::chrono::seconds kPeerTime{3600};
constexpr int kNotifySuccess = 2, kNotifyFailure = 4, kNotifyDelay = 8;
constexpr int kUtf8Requested = 1;  // others: what the message itself holds
constexpr int kAsked = ipc::delivery_flag::kUserVerify |
                       ipc::delivery_flag::kMtaVerify |
                       ipc::delivery_flag::kRecord;

void warn(std::string_view text) { log::warning(text); }

std::vector<queue::LogEntry> selected(
    const std::vector<queue::LogEntry>& entries, int notify, bool unasked) {
  std::vector<queue::LogEntry> out;
  for (const auto& entry : entries) {
    int flags = entry.recipient.notify_flags;
    if ((flags & notify) != 0 || (flags == 0 && unasked)) {
      out.push_back(entry);
    }
  }
  return out;
}

/// user+rcpt=domain@host, as "+=" says.
std::string verp(std::string_view sender, std::string_view delimiters,
                 const ipc::Recipient& recipient) {
  const std::string& address = recipient.original_recipient.empty()
                                   ? recipient.recipient
                                   : recipient.original_recipient;
  auto own = mime::split_address(sender);
  auto theirs = mime::split_address(address);
  std::string out(own.local);
  out += delimiters.substr(0, 1);
  out += theirs.local;
  if (theirs.domain) {
    out += delimiters.substr(1, 1);
    out += *theirs.domain;
  }
  if (own.domain) out.append("@").append(*own.domain);
  return out;
}

Result<> remove_log(const queue::Layout& layout, const std::string& service,
                    const std::string& id) {
  auto done = queue::remove(layout, service, id);
  if (!done && done.error().sys != ENOENT) return done;
  return {};
}

}  // namespace

/// One notice to be made.
struct BounceService::Order {
  Kind kind = Kind::Failure;
  bool postmaster = false;
  bool whole = false;  ///< the body too, if it is there
  std::string to;
  std::string_view label;  ///< of the log line
  std::vector<queue::LogEntry> recipients;
};

Result<> BounceService::open(daemon::Context& context) {
  settings_ = context.settings;
  const auto& settings = *settings_;
  service_ = context.service;
  if (service_ != queue::kBounce && service_ != queue::kDefer &&
      service_ != queue::kTrace) {
    service_ = context.process;
  }
  layout_ = daemon::queue_layout(settings);
  host_ = settings.get(param::myhostname);
  double_bounce_ =
      fmt::format("{}@{}", settings.get(param::double_bounce_sender), host_);
  for (auto item : split(settings.get(param::notify_classes))) {
    classes_.push_back(lower(item));
  }
  cleanup_.emplace(ipc::Client::Options{
      .path = "public/" + settings.get(param::cleanup_service_name),
      .timeout = settings.get(param::ipc_timeout)});
  template_path_ = settings.get(param::bounce_template_file);
  if (template_path_.empty()) {
    template_path_ = "[built-in]";
    templates_ = config::builtin_bounce_templates();
    return {};
  }
  template_text_ = TRY(read_file(template_path_));
  templates_ =
      TRY(config::parse_bounce_templates(template_text_, template_path_, warn));
  return {};
}

net::Task<> BounceService::serve(net::Stream client) {
  ipc::greet(client, ipc::kBounceProtocol);
  while (true) {
    auto sent = co_await client.flush(net::Deadline::in(kPeerTime));
    if (!sent) co_return;
    auto raw = co_await ipc::receive_raw(client, "bounce client",
                                         net::Deadline::in(kPeerTime));
    if (!raw) co_return;
    auto status = co_await answer(std::move(*raw));
    ipc::append(client, ipc::Status{status});
  }
}

net::Task<int> BounceService::answer(std::string raw) {
  constexpr std::string_view kPeer = "bounce client";
  ipc::Decoder probe(raw, kPeer);
  int number = -1;
  auto read = probe("nrequest", number);
  if (read && number == code::kAppend) {
    auto request = ipc::decode<ipc::BounceAppend>(raw, kPeer);
    if (request && queue::QueueId::valid(request->queue_id)) {
      auto status = co_await append(std::move(*request));
      co_return status;
    }
    log::warning(request ? "malformed request" : request.error().what);
    co_return -1;
  }
  auto request = ipc::decode<ipc::BounceSend>(raw, kPeer);
  bool good = read && number > code::kAppend && number <= code::kTrace &&
              request && queue::QueueId::valid(request->queue_id) &&
              queue::QueueId::valid(request->queue_name);
  if (!good) {
    log::warning(request ? "malformed request" : request.error().what);
    co_return -1;
  }
  auto status = co_await send(std::move(*request));
  co_return status;
}

net::Task<int> BounceService::append(ipc::BounceAppend request) {
  auto old = settings_->get(param::backwards_bounce_logfile_compatibility)
                 ? queue::OldLines::With
                 : queue::OldLines::Without;
  std::string text =
      queue::format_log_entry({request.recipient, request.dsn}, old);
  std::function<Result<>()> job = [layout = layout_, service = service_,
                                   id = request.queue_id,
                                   text = std::move(text)] {
    return queue::append_log(layout, service, id, text);
  };
  auto done = co_await daemon::run_blocking(std::move(job));
  if (done) co_return 0;
  log::warning(fmt::format("{}: {}", request.queue_id, done.error().what));
  if (request.flags & ipc::bounce_flag::kClean) {
    (void)remove_log(layout_, service_, request.queue_id);
  }
  co_return -1;
}

net::Task<int> BounceService::send(ipc::BounceSend request) {
  auto limit = static_cast<size_t>(settings_->get(param::bounce_size_limit));
  bool headers = (request.ret_flags & 2) != 0 ||
                 request.nrequest == code::kWarn ||
                 request.nrequest == code::kTrace;
  std::function<Result<Material>()> job =
      [layout = layout_, service = service_, request, limit,
       body = headers ? Body::Unwanted : Body::Wanted] {
        return read_material(layout, service, request, body, limit);
      };
  auto material = co_await daemon::run_blocking(std::move(job));
  Result<> done;
  if (material && material->entries.empty()) co_return 0;
  if (material) {
    done = co_await report(request, *material);
    if (done) done = co_await finish(request, *material);
  } else {
    done = fail(std::move(material).error());
  }
  if (done) co_return 0;
  log::warning(fmt::format("{}: {}", request.queue_id, done.error().what));
  bool has_log =
      request.nrequest != code::kOne && request.nrequest != code::kWarn;
  if (has_log && (request.flags & ipc::bounce_flag::kClean) != 0) {
    (void)remove_log(layout_, service_, request.queue_id);
  }
  co_return -1;
}

net::Task<Result<>> BounceService::finish(const ipc::BounceSend& request,
                                          const Material& material) {
  if (request.nrequest == code::kWarn) co_return Result<>{};
  std::vector<long> offsets;
  if (request.flags & ipc::bounce_flag::kDelete) {
    for (const auto& entry : material.entries) {
      if (entry.recipient.offset > 0) {
        offsets.push_back(entry.recipient.offset);
      }
    }
  }
  std::function<Result<>()> job = [layout = layout_, service = service_,
                                   request, offsets]() -> Result<> {
    TRY(cross_off(layout, request, offsets));
    if (request.nrequest == code::kOne) return {};
    return remove_log(layout, service, request.queue_id);
  };
  auto done = co_await daemon::run_blocking(std::move(job));
  co_return done;
}

bool BounceService::notifies(std::string_view what) const {
  return std::find(classes_.begin(), classes_.end(), what) != classes_.end();
}

net::Task<Result<>> BounceService::report(const ipc::BounceSend& request,
                                          const Material& material) {
  Result<> done;
  switch (request.nrequest) {
    case code::kWarn:
      done = co_await report_delay(request, material);
      break;
    case code::kTrace:
      done = co_await report_trace(request, material);
      break;
    case code::kVerp:
      done = co_await report_each(request, material);
      break;
    default:
      done = co_await report_failure(request, material, request.sender);
  }
  co_return done;
}

net::Task<Result<>> BounceService::report_each(const ipc::BounceSend& request,
                                               const Material& material) {
  bool plain =
      request.sender.empty() || iequals(request.sender, double_bounce_);
  if (plain) {
    auto done = co_await report_failure(request, material, request.sender);
    co_return done;
  }
  Material single = material;
  for (const auto& entry : material.entries) {
    single.entries.assign(1, entry);
    auto done = co_await report_failure(
        request, single,
        verp(request.sender, request.verp_delimiters, entry.recipient));
    CO_CHECK(done);
  }
  co_return Result<>{};
}

net::Task<Result<>> BounceService::report_failure(
    const ipc::BounceSend& request, const Material& material,
    const std::string& to) {
  if (iequals(request.sender, double_bounce_)) {
    log::warning(
        fmt::format("{}: undeliverable postmaster notification discarded",
                    request.queue_id));
    co_return Result<>{};
  }
  Order copy{.postmaster = true,
             .label = "postmaster non-delivery notification",
             .recipients = material.entries};
  bool null_sender = request.sender.empty();
  if (!null_sender) {
    Order order{.whole = true,
                .to = to,
                .label = "sender non-delivery notification",
                .recipients = selected(material.entries, kNotifyFailure, true)};
    if (!order.recipients.empty()) {
      auto posted = co_await post(request, material, std::move(order));
      CO_CHECK(posted);
    }
    copy.to = settings_->get(param::bounce_notice_recipient);
  } else {
    copy.whole = true;
    copy.to = settings_->get(param::_2bounce_notice_recipient);
  }
  if (!notifies(null_sender ? "2bounce" : "bounce")) co_return Result<>{};
  auto posted = co_await post(request, material, std::move(copy));
  // The sender knows already: a second notice must not come of this.
  if (!posted && !null_sender) {
    log::warning(fmt::format("{}: {}", request.queue_id, posted.error().what));
    posted = Result<>{};
  }
  co_return posted;
}

net::Task<Result<>> BounceService::report_delay(const ipc::BounceSend& request,
                                                const Material& material) {
  if (iequals(request.sender, double_bounce_)) co_return Result<>{};
  if (!request.sender.empty()) {
    Order order{.kind = Kind::Delay,
                .to = request.sender,
                .label = "sender delay notification",
                .recipients = selected(material.entries, kNotifyDelay, true)};
    if (!order.recipients.empty()) {
      auto posted = co_await post(request, material, std::move(order));
      CO_CHECK(posted);
    }
  }
  if (!notifies("delay")) co_return Result<>{};
  Order copy{.kind = Kind::Delay,
             .postmaster = true,
             .to = settings_->get(param::delay_notice_recipient),
             .label = "postmaster delay notification",
             .recipients = material.entries};
  auto posted = co_await post(request, material, std::move(copy));
  if (!posted && !request.sender.empty()) {
    log::warning(fmt::format("{}: {}", request.queue_id, posted.error().what));
    posted = Result<>{};
  }
  co_return posted;
}

net::Task<Result<>> BounceService::report_trace(const ipc::BounceSend& request,
                                                const Material& material) {
  bool nobody =
      request.sender.empty() || iequals(request.sender, double_bounce_);
  if (nobody) co_return Result<>{};
  Order order{
      .kind = Kind::Trace,
      .to = request.sender,
      .label = "sender delivery status notification",
      .recipients = (request.flags & kAsked) != 0
                        ? material.entries
                        : selected(material.entries, kNotifySuccess, false)};
  if (order.recipients.empty()) co_return Result<>{};
  auto posted = co_await post(request, material, std::move(order));
  co_return posted;
}

const config::BounceTemplate& BounceService::template_of(
    const ipc::BounceSend& request, Kind kind) const {
  if (kind == Kind::Failure) return templates_.failure;
  if (kind == Kind::Delay) return templates_.delay;
  return (request.flags & kAsked) ? templates_.verify : templates_.success;
}

Result<Notice> BounceService::prepare(const ipc::BounceSend& request,
                                      const Material& material,
                                      const Order& order) const {
  const auto& words = template_of(request, order.kind);
  bool utf8 = settings_->get(param::smtputf8_enable);
  Notice n;
  n.kind = order.kind;
  n.postmaster = order.postmaster;
  n.headers_only = !order.whole || !material.has_body;
  n.utf8 = utf8 && (request.smtputf8 & kUtf8Requested) != 0;
  if (utf8) {
    n.encoding = "8bit";
  } else if (request.encoding == "7bit" || request.encoding == "8bit") {
    n.encoding = request.encoding;
  }
  n.mail_name = settings_->get(param::mail_name);
  n.host = host_;
  n.to = order.to;
  n.from = words.from;
  n.subject = order.postmaster ? words.postmaster_subject : words.subject;
  n.charset = words.charset;
  if (utf8 && iequals(n.charset, "us-ascii")) n.charset = "utf-8";
  if (!order.postmaster) {
    n.text = TRY(
        config::expand_bounce_text(words, template_path_, *settings_, warn));
  }
  if (settings_->get(param::enable_threaded_bounces)) {
    n.thread_id = material.message_id;
  }
  n.original_id = request.queue_id;
  n.sender = request.sender.empty() ? fmt::format("MAILER-DAEMON@{}", host_)
                                    : request.sender;
  n.envelope_id = request.envelope_id;
  n.now = time(nullptr);
  n.boundary = fmt::format("{}.{}/{}", request.queue_id, n.now, host_);
  n.arrival = material.arrival;
  n.retry_until =
      n.arrival + settings_->get(param::maximal_queue_lifetime).count();
  return n;
}

int BounceService::cleanup_flags(const ipc::BounceSend& request,
                                 bool postmaster) const {
  namespace flag = ipc::cleanup_flag;
  std::string_view kind = postmaster ? "notify" : "bounce";
  int flags = flag::kMap;
  if (has_word(settings_->get(param::internal_mail_filter_classes), kind)) {
    flags |= flag::kFilter | flag::kMilter;
  }
  const auto& detect = settings_->get(param::smtputf8_autodetect_classes);
  if (has_word(detect, kind) || has_word(detect, "all")) {
    flags |= flag::kAutoUtf8;
  }
  if ((request.smtputf8 & kUtf8Requested) != 0 &&
      settings_->get(param::smtputf8_enable)) {
    flags |= flag::kSmtputf8;
  }
  return flags;
}

net::Task<Result<>> BounceService::post(const ipc::BounceSend& request,
                                        const Material& material, Order order) {
  auto prepared = prepare(request, material, order);
  Notice notice = CO_TRY(prepared);
  notice.recipients = std::move(order.recipients);
  time_t now = notice.now;
  tm local{};
  localtime_r(&now, &local);
  notice.zone = {static_cast<int>(local.tm_gmtoff), local.tm_zone};
  auto begun = co_await ipc::begin_post(*cleanup_);
  ipc::Submission submission = CO_TRY(begun);
  notice.id = submission.id;
  ipc::Letter letter;
  letter.flags = cleanup_flags(request, order.postmaster);
  letter.sender = order.postmaster ? double_bounce_ : "";
  letter.recipient = order.to;
  timeval moment{};
  gettimeofday(&moment, nullptr);
  letter.sec = moment.tv_sec;
  letter.usec = moment.tv_usec;
  letter.text = format_head(notice) + material.header;
  if (!notice.headers_only) letter.text += material.body;
  letter.text += format_tail(notice);
  auto posted = co_await ipc::finish_post(*cleanup_, std::move(submission),
                                          std::move(letter));
  CO_CHECK(posted);
  log::info(
      fmt::format("{}: {}: {}", request.queue_id, order.label, notice.id));
  co_return Result<>{};
}

}  // namespace mail::bounce
