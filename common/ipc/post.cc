#include "common/ipc/post.h"

#include <fmt/format.h>
#include <sys/time.h>

#include <ctime>

#include "common/ipc/cleanup.h"
#include "common/mime/date.h"
#include "common/queuefile/record.h"

namespace mail::ipc {

using queuefile::append_attribute;
using queuefile::append_record;
using queuefile::Type;

net::Task<Result<Submission>> begin_post(Client& cleanup) {
  auto connected = co_await cleanup.connect();
  net::Stream stream = CO_TRY(connected);
  auto greeting = co_await receive<CleanupGreeting>(
      stream, cleanup.peer(), net::Deadline::in(cleanup.options().timeout));
  CO_CHECK(greeting);
  co_return Submission{std::move(stream), std::move(greeting->queue_id)};
}

Letter begin_letter(std::string_view host, std::string_view mail_name,
                    std::string_view id, std::string* date) {
  timeval now{};
  gettimeofday(&now, nullptr);
  time_t seconds = now.tv_sec;
  tm local{};
  localtime_r(&seconds, &local);
  std::string text = mime::format_date(
      seconds, {static_cast<int>(local.tm_gmtoff), local.tm_zone});
  Letter out;
  out.sec = now.tv_sec;
  out.usec = now.tv_usec;
  out.text = fmt::format("Received: by {} ({})\n\tid {}; {}\n", host, mail_name,
                         id, text);
  if (date) *date = std::move(text);
  return out;
}

net::Task<Result<>> finish_post(Client& cleanup, Submission submission,
                                Letter letter) {
  auto deadline = net::Deadline::in(cleanup.options().timeout);
  net::Stream& stream = submission.stream;
  append(stream, CleanupFlags{letter.flags});
  std::string& out = stream.output();
  append_record(out, Type::Time, fmt::format("{} {}", letter.sec, letter.usec));
  append_attribute(out, "log_message_origin", "local");
  append_attribute(out, "trace_flags", fmt::to_string(letter.trace_flags));
  append_record(out, Type::Sender, letter.sender);
  append_record(out, Type::Recipient, letter.recipient);
  append_record(out, Type::Message, "");
  std::string_view rest = letter.text;
  while (!rest.empty()) {
    size_t end = std::min(rest.find('\n'), rest.size());
    queuefile::append_line(out, rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  append_record(out, Type::Extracted, "");
  append_record(out, Type::End, "");
  // If it cannot be sent, cleanup may still say why.
  auto sent = co_await stream.flush(deadline);
  auto reply = co_await receive<StatusReason>(stream, cleanup.peer(), deadline);
  if (!sent) co_return fail(std::move(sent).error());
  CO_CHECK(reply);
  if (reply->status == cleanup_status::kOk) co_return Result<>{};
  co_return fail(Fault::Temporary,
                 fmt::format("{}: notification not accepted (status {}) {}",
                             submission.id, reply->status, reply->reason));
}

}  // namespace mail::ipc
