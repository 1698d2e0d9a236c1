#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "smtpd/log_lines.h"
#include "smtpd/restrict/run.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

constexpr size_t kTextLimit = 510;

struct Mapping {
  std::string_view from, to;
};
// Statuses of RFC 3463, X.1: some speak of senders, others of recipients.
constexpr Mapping kForSender[] = {
    {"1.1", "1.7"}, {"1.2", "1.8"}, {"1.3", "1.7"}, {"1.4", "1.7"},
    {"1.5", "1.0"}, {"1.6", "1.7"}, {"1.10", "1.0"}};
constexpr Mapping kForRecipient[] = {{"1.7", "1.3"}, {"1.8", "1.2"}};

std::string mapped_status(Subject subject, long code, std::string_view status) {
  std::string_view rest = status.substr(std::min<size_t>(2, status.size()));
  std::string_view wanted = rest;
  if (subject == Subject::Sender) {
    for (const auto& map : kForSender) {
      if (rest == map.from) wanted = map.to;
    }
  } else if (subject == Subject::Recipient) {
    for (const auto& map : kForRecipient) {
      if (rest == map.from) wanted = map.to;
    }
  } else if (rest.starts_with("1.")) {
    wanted = "0.0";  // X.1 is about addresses
  }
  if (wanted != rest) {
    log::info(fmt::format("mapping DSN status {} into {} status {}.{}", status,
                          subject_class(subject), status.substr(0, 1), wanted));
  }
  return fmt::format("{}.{}", code / 100, wanted);
}

smtp::Reply make_reply(const Run& run, Subject subject, long code,
                       std::string_view status, std::string text) {
  if (code / 100 == 5 && run.site.settings.get(param::soft_bounce)) code -= 100;
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  smtp::Reply reply(static_cast<int>(code),
                    mapped_status(subject, code, status), text);
  size_t room = kTextLimit - reply.status.size() - 5;
  if (reply.text.size() > room) reply.text.resize(room);
  reply.hangup = code == 421 || code == 521;
  return reply;
}

// "<1.2.3.4>" without doubled brackets of a client's name.
std::string angled(std::string_view text) { return fmt::format("<{}>", text); }

}  // namespace

std::string subject_name(const Run& run, Subject subject) {
  const Facts& facts = run.facts;
  switch (subject) {
    case Subject::Client:
    case Subject::Ccert:
      return angled(facts.client.name_addr);
    case Subject::ReverseClient:
      return angled(facts.client.reverse_name);
    case Subject::Helo:
      return angled(facts.helo.value_or(""));
    case Subject::Sender:
      return angled(facts.sender.value_or(""));
    case Subject::Recipient:
      return angled(facts.recipient.value_or(""));
    case Subject::Etrn:
      return angled(facts.etrn_domain);
    case Subject::Sasl:
      return angled(facts.sasl_username);
    case Subject::Data:
      return "<DATA>";
    case Subject::EndOfData:
      return "<END-OF-MESSAGE>";
  }
  return {};
}

std::string_view subject_class(Subject subject) {
  switch (subject) {
    case Subject::Client:
      return "Client host";
    case Subject::ReverseClient:
      return "Unverified Client host";
    case Subject::Helo:
      return "Helo command";
    case Subject::Sender:
      return "Sender address";
    case Subject::Recipient:
      return "Recipient address";
    case Subject::Etrn:
      return "Etrn command";
    case Subject::Ccert:
      return "Client certificate";
    case Subject::Sasl:
      return "SASL login name";
    case Subject::Data:
      return "Data command";
    case Subject::EndOfData:
      return "End-of-data";
  }
  return {};
}

std::string rejected(const Run& run, Subject subject, std::string_view text) {
  return fmt::format("{}: {} rejected: {}", subject_name(run, subject),
                     subject_class(subject), text);
}

void log_action(const Run& run, std::string_view verb, std::string_view text) {
  log::info(log_lines::action(run.facts, verb, text, run.site.external_form));
}

Outcome reject(Run& run, Subject subject, long code, std::string_view status,
               std::string text) {
  smtp::Reply reply = make_reply(run, subject, code, status, std::move(text));
  if (run.warn) {
    log_action(run, "reject_warning", reply.line());
    return Outcome::Dunno;
  }
  if (run.defer_if_reject.code != 0 && reply.code / 100 == 5) {
    reply = run.defer_if_reject;
  }
  log_action(run, "reject", reply.line());
  run.reply = std::move(reply);
  return Outcome::Reject;
}

namespace {
Outcome remember(Run& run, smtp::Reply& place, smtp::Reply reply) {
  if (run.warn) {
    log_action(run, "reject_warning", reply.line());
  } else if (place.code == 0) {
    place = std::move(reply);
  }
  return Outcome::Dunno;
}
}  // namespace

Outcome defer_if_permit(Run& run, Subject subject, long code,
                        std::string_view status, std::string text) {
  return remember(run, run.defer_if_permit,
                  make_reply(run, subject, code, status, std::move(text)));
}

Outcome defer_if_reject(Run& run, Subject subject, long code,
                        std::string_view status, std::string text) {
  return remember(run, run.defer_if_reject,
                  make_reply(run, subject, code, status, std::move(text)));
}

Outcome defer_by_action(Run& run, std::string_view action, Subject subject,
                        std::string_view status, std::string text, long code) {
  if (iequals(action, "defer")) {
    return reject(run, subject, code, status, std::move(text));
  }
  return defer_if_permit(run, subject, code, status, std::move(text));
}

Outcome misconfigured(Run& run) {
  return reject(run, run.subject, 451, "4.3.5", "Server configuration error");
}

Outcome table_failed(Run& run, Subject subject) {
  return reject(run, subject, 451, "4.3.5",
                rejected(run, subject, "Server configuration error"));
}

Outcome lookup_failed(Run& run, Subject subject) {
  return reject(
      run, subject, 451, "4.3.0",
      fmt::format("{}: Temporary lookup failure", subject_name(run, subject)));
}

Outcome permit(Run& run, std::string_view action, Subject subject,
               std::string_view table) {
  if (!run.site.logs_permit(action)) return Outcome::Permit;
  std::string name = subject_name(run, subject);
  std::string_view bare = name;
  if (bare.size() >= 2) bare = bare.substr(1, bare.size() - 2);
  log_action(
      run, "permit",
      fmt::format("action={} for {}={} {}{}", action, subject_class(subject),
                  bare, table.empty() ? "" : "from ", table));
  return Outcome::Permit;
}

Outcome permit(Run& run, std::string_view action) {
  return permit(run, action, run.subject, {});
}

}  // namespace mail::smtpd::restriction
