// DNS block and allow lists.
#include "smtpd/restrict/dnsbl.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/config/postfix/expand.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "common/smtp/dsn_code.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

/// One question to a list and what it said.
struct Hit {
  enum class State { No, Yes, Unsure } state = State::No;
  std::string reason;  ///< TXT
};

net::Task<Hit> ask(Run& run, const Item& item, std::string name,
                   bool want_reason) {
  Hit hit;
  net::Deadline deadline =
      net::Deadline::in(run.site.settings.get(param::smtpd_timeout));
  std::string query = fmt::format("{}.{}", name, item.argument);
  auto answer =
      co_await run.site.resolver.lookup(query, dns::Type::A, deadline);
  for (const auto& record : answer.records) {
    if (filter_matches(item.filter, record.address)) {
      hit.state = Hit::State::Yes;
    }
  }
  if (answer.temporary() || answer.status == dns::Status::ServerFailure) {
    log::warning(
        fmt::format("{}: RBL lookup error: {}", query, answer.error_text()));
    hit.state = Hit::State::Unsure;
  }
  if (hit.state == Hit::State::Yes && want_reason) {
    auto text =
        co_await run.site.resolver.lookup(query, dns::Type::TXT, deadline);
    if (!text.records.empty()) hit.reason = text.records[0].data;
  }
  co_return hit;
}

/// What a rejection's text is made from.
struct Blocked {
  std::string what;  ///< "192.0.2.1", "a@example.org", "mail.example.org"
  Subject subject = Subject::Client;
  std::string reason;
};

std::string part_of(const std::optional<std::string>& address, bool domain) {
  if (!address) return {};
  auto parts = mime::split_address(*address);
  return std::string(domain ? parts.domain.value_or("") : parts.local);
}

std::optional<std::string> fact(const Run& run, const Item& item,
                                const Blocked& hit, std::string_view name) {
  const Facts& facts = run.facts;
  const auto& client = facts.client;
  if (name == "client") return client.name_addr;
  if (name == "client_address") return client.address_text;
  if (name == "client_name") return client.name;
  if (name == "reverse_client_name") return client.reverse_name;
  if (name == "helo_name") return facts.helo.value_or("");
  if (name == "sender") {
    return facts.sender && facts.sender->empty() ? "<>"
                                                 : facts.sender.value_or("");
  }
  if (name == "sender_domain") return part_of(facts.sender, true);
  if (name == "sender_name") return part_of(facts.sender, false);
  if (name == "recipient") return facts.recipient.value_or("");
  if (name == "recipient_domain") return part_of(facts.recipient, true);
  if (name == "recipient_name") return part_of(facts.recipient, false);
  if (name == "rbl_code") {
    return fmt::format("{}",
                       run.site.settings.get(param::maps_rbl_reject_code));
  }
  if (name == "rbl_domain") return item.argument;
  if (name == "rbl_reason" || name == "rbl_txt") return hit.reason;
  if (name == "rbl_what") return hit.what;
  if (name == "rbl_class") return std::string(subject_class(hit.subject));
  auto value = run.site.settings.value(name);
  return value ? *value : std::nullopt;
}

// "554 5.7.1 text" in its parts.
Outcome reject_with(Run& run, Subject subject, std::string_view text) {
  long code = run.site.settings.get(param::maps_rbl_reject_code);
  if (text.size() > 3 && (text[0] == '4' || text[0] == '5') &&
      is_digit(text[1]) && is_digit(text[2]) && is_space(text[3])) {
    code = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
    text = trim_left(text.substr(4));
  }
  std::string status = "5.7.1";
  size_t length = 0;
  if (smtp::parse_dsn_code(text, &length)) {
    status = text.substr(0, length);
    text = trim_left(text.substr(length));
  }
  return reject(run, subject, code, status, std::string(text));
}

net::Task<Outcome> refuse(Run& run, const Item& item, Blocked hit) {
  auto found = co_await run.site.rbl_replies.find(item.argument);
  if (!found) {
    co_return table_failed(run, hit.subject);
  }
  const auto& settings = run.site.settings;
  std::string text =
      *found ? (*found)->value : settings.get(param::default_rbl_reply);
  config::ExpandOptions options;
  options.allowed_bytes = run.site.expansion_filter;
  auto lookup = [&](std::string_view name) {
    return fact(run, item, hit, name);
  };
  auto expanded = config::expand(text, lookup, options);
  if (!expanded) {
    log::warning(fmt::format("rbl_reply_maps: {}", expanded.error().what));
    co_return table_failed(run, hit.subject);
  }
  co_return reject_with(run, hit.subject, expanded->text);
}

// The name that a list is asked about, and what replies call it.
struct Question {
  std::string name, what;
};

bool has_name(std::string_view name) {
  return !name.empty() && name != "unknown" && !name.starts_with('[') &&
         !net::IpAddress::parse(name);
}

std::optional<Question> question_of(const Run& run, Subject subject) {
  const auto& facts = run.facts;
  std::string name, what;
  switch (subject) {
    case Subject::Client:
      name = what = facts.client.name;
      break;
    case Subject::ReverseClient:
      name = what = facts.client.reverse_name;
      break;
    case Subject::Helo:
      name = what = facts.helo.value_or("");
      break;
    case Subject::Sender:
      name = part_of(facts.sender, true);
      what = facts.sender.value_or("");
      break;
    default:
      name = part_of(facts.recipient, true);
      what = facts.recipient.value_or("");
      break;
  }
  while (name.ends_with('.')) name.pop_back();
  if (!has_name(name)) return std::nullopt;
  return Question{name, what};
}

std::optional<Question> address_question(const Run& run) {
  const auto& client = run.facts.client;
  if (client.address_text == "unknown") return std::nullopt;
  return Question{dns::reversed(client.address), client.address_text};
}

net::Task<Outcome> block(Run& run, const Item& item,
                         std::optional<Question> question) {
  if (!question) co_return Outcome::Dunno;
  Hit hit = co_await ask(run, item, question->name, true);
  if (hit.state != Hit::State::Yes) co_return Outcome::Dunno;
  Blocked blocked{question->what, item.kind->subject, hit.reason};
  Outcome out = co_await refuse(run, item, std::move(blocked));
  co_return out;
}

net::Task<Outcome> allow(Run& run, const Item& item,
                         std::optional<Question> question) {
  if (!question) co_return Outcome::Dunno;
  Hit hit = co_await ask(run, item, question->name, false);
  if (hit.state == Hit::State::Unsure) {
    co_return defer_if_reject(run, Subject::Client, 450, "4.7.1",
                              fmt::format("Temporary lookup failure for {}.{}",
                                          question->name, item.argument));
  }
  if (hit.state == Hit::State::No) co_return Outcome::Dunno;
  co_return permit(run, item.kind->name);
}

net::Task<Outcome> block_address(Run& run, const Item& item) {
  Outcome out = co_await block(run, item, address_question(run));
  co_return out;
}
net::Task<Outcome> block_name(Run& run, const Item& item) {
  Outcome out = co_await block(run, item, question_of(run, item.kind->subject));
  co_return out;
}
net::Task<Outcome> allow_address(Run& run, const Item& item) {
  Outcome out = co_await allow(run, item, address_question(run));
  co_return out;
}
net::Task<Outcome> allow_name(Run& run, const Item& item) {
  Outcome out = co_await allow(run, item, question_of(run, item.kind->subject));
  co_return out;
}

// reject_maps_rbl: the lists of maps_rbl_domains.
net::Task<Outcome> block_maps(Run& run, const Item& item) {
  log::warning(fmt::format(
      "support for restriction \"{}\" will be removed from Postfix; use "
      "\"reject_rbl_client domain-name\" instead",
      item.name));
  for (auto domain : split(run.site.settings.get(param::maps_rbl_domains))) {
    Item one;
    one.kind = item.kind;
    one.name = item.name;
    one.argument = domain;
    Outcome out = co_await block(run, one, address_question(run));
    if (out != Outcome::Dunno) co_return out;
  }
  co_return Outcome::Dunno;
}

constexpr Kind list(std::string_view name, Later later, Subject subject) {
  return {.name = name,
          .argument = Argument::Domain,
          .later = later,
          .subject = subject};
}

constexpr Kind kDnsblKinds[] = {
    list("reject_rbl_client", block_address, Subject::Client),
    list("reject_rbl", block_address, Subject::Client),
    list("reject_rhsbl_client", block_name, Subject::Client),
    list("reject_rhsbl_reverse_client", block_name, Subject::ReverseClient),
    list("reject_rhsbl_helo", block_name, Subject::Helo),
    list("reject_rhsbl_sender", block_name, Subject::Sender),
    list("reject_rhsbl_recipient", block_name, Subject::Recipient),
    list("permit_dnswl_client", allow_address, Subject::Client),
    list("permit_rhswl_client", allow_name, Subject::Client),
    {.name = "reject_maps_rbl", .later = block_maps},
};

}  // namespace

std::span<const Kind> dnsbl_kinds() { return kDnsblKinds; }

}  // namespace mail::smtpd::restriction
