// Session: what is written down for the postmaster, and the text under each
// refusal.
#include <fmt/format.h>

#include <ctime>

#include "common/ipc/cleanup.h"
#include "common/ipc/post.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "smtpd/footer.h"
#include "smtpd/session.h"

namespace mail::smtpd {

using smtp::Reply;

namespace {

/// "Jan  4 15:42:00", as in the log.
std::string log_time() {
  time_t now = time(nullptr);
  tm local{};
  localtime_r(&now, &local);
  char text[32];
  size_t n = strftime(text, sizeof(text), "%b %e %H:%M:%S", &local);
  return {text, n};
}

std::optional<std::string> footer_fact(const Facts& facts,
                                       const std::string& host,
                                       std::string_view name) {
  const ClientFacts& client = facts.client;
  if (name == "client") return client.name_addr;
  if (name == "client_address") return client.address_text;
  if (name == "client_name") return client.name;
  if (name == "client_port") return client.port;
  if (name == "reverse_client_name") return client.reverse_name;
  if (name == "helo_name") return facts.helo;
  if (name == "sender") return facts.sender;
  if (name == "localtime") return log_time();
  if (name == "server_name") return host;
  return std::nullopt;
}

}  // namespace

/// smtpd_reject_footer, or what smtpd_reject_footer_maps says of this reply.
net::Task<Reply> Session::dressed(Reply reply) {
  if (reply.code < 400) co_return reply;
  std::string text = config_.reject_footer;
  if (!config_.reject_footer_maps.empty()) {
    auto found = co_await config_.reject_footer_maps.find(reply.line());
    if (found && *found) text = (*found)->value;
  }
  if (text.empty()) co_return reply;
  auto lookup = [this](std::string_view name) {
    return footer_fact(facts_, config_.host, name);
  };
  auto longer = add_footer(reply, text, lookup, config_.expansion_filter);
  if (longer) co_return std::move(*longer);
  log::warning(fmt::format("smtpd_reject_footer: {}", longer.error().what));
  co_return reply;
}

net::Task<> Session::say(Reply reply) {
  reply = co_await dressed(std::move(reply));
  if (config_.notify_classes) transcript_.out(reply.line());
  engine_.say(reply);
}

/// A command, for the transcript; passwords are not for postmasters.
void Session::note_command(smtp::Verb verb) {
  if (!config_.notify_classes) return;
  std::string_view line = engine_.line();
  if (verb == smtp::Verb::Auth) {
    size_t mechanism = line.find(' ');
    size_t initial =
        mechanism == line.npos ? mechanism : line.find(' ', mechanism + 1);
    if (initial != line.npos) {
      transcript_.in(std::string(line.substr(0, initial)) + " (not shown)");
      return;
    }
  }
  transcript_.in(line);
}

/// Between transactions: a long session does not grow for ever.
void Session::trim_transcript() {
  if (transcript_.lines() > config_.history_threshold) transcript_.clear();
}

net::Task<> Session::tell_postmaster() {
  unsigned what = wrongs_ & config_.notify_classes;
  if (what == 0) co_return;
  smtp::TranscriptLetter letter;
  letter.host = config_.host;
  bool bounced = what & smtp::kNotifyBounce;
  std::string to = bounced ? config_.bounce_recipient : config_.error_recipient;
  letter.recipient = mime::quote_local(to);
  letter.subject =
      "Postfix SMTP server: errors from " + facts_.client.name_addr;
  letter.reason = too_many_errors_ ? "too many errors"
                  : timed_out_     ? "timeout"
                  : lost_          ? "lost connection"
                                   : "";
  auto begun = co_await ipc::begin_post(*config_.cleanup);
  if (!begun) {
    log::warning("postmaster notify: " + begun.error().what);
    co_return;
  }
  std::string date;
  ipc::Letter post =
      ipc::begin_letter(config_.host, config_.mail_name, begun->id, &date);
  post.flags = ipc::cleanup_flag::kMap | config_.notice_flags;
  post.sender = config_.double_bounce_sender;
  post.recipient = to;
  post.text += fmt::format("Date: {}\n", date) +
               smtp::format_letter(letter, transcript_);
  auto posted = co_await ipc::finish_post(*config_.cleanup, std::move(*begun),
                                          std::move(post));
  if (!posted) log::warning("postmaster notify: " + posted.error().what);
}

}  // namespace mail::smtpd
