// access(5): what an entry orders.
#include <fmt/format.h>

#include <iterator>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/log/log.h"
#include "common/smtp/dsn_code.h"
#include "smtpd/restrict/run.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

/// An entry found, in the course of being obeyed.
struct Order {
  std::string table, key, value;
  std::string verb;  ///< as written
  std::string text;  ///< what follows it
  Subject subject = Subject::Client;
};
using Action = Outcome (*)(Run&, const Order&);

struct StatusText {
  std::string status, text;
};
// "5.1.1 text" in two; without a status the default one.
StatusText split_status(std::string_view text, std::string_view fallback) {
  size_t length = 0;
  auto code = smtp::parse_dsn_code(text, &length);
  if (!code) return {std::string(fallback), std::string(text)};
  return {std::string(text.substr(0, length)),
          std::string(trim(text.substr(length)))};
}

std::string with_default(std::string text, std::string_view otherwise) {
  return text.empty() ? std::string(otherwise) : text;
}

Outcome refuse(Run& run, const Order& order, long code,
               std::string_view status) {
  auto [dsn, text] = split_status(order.text, status);
  return reject(run, order.subject, code, dsn,
                rejected(run, order.subject,
                         with_default(std::move(text), "Access denied")));
}

Outcome do_reject(Run& run, const Order& order) {
  return refuse(run, order,
                run.site.settings.get(param::access_map_reject_code), "5.7.1");
}
Outcome do_defer(Run& run, const Order& order) {
  return refuse(run, order, run.site.settings.get(param::access_map_defer_code),
                "4.7.1");
}

Outcome do_hangup(Run& run, const Order& order) {
  log_action(run, "hangup", order.text);
  run.reply = {};
  run.reply.hangup = true;
  return Outcome::Reject;
}

Outcome do_defer_if(Run& run, const Order& order) {
  auto [dsn, text] = split_status(order.text, "4.7.1");
  text = rejected(run, order.subject,
                  with_default(std::move(text), "Service unavailable"));
  long code = run.site.settings.get(param::access_map_defer_code);
  return iequals(order.verb, "DEFER_IF_PERMIT")
             ? defer_if_permit(run, order.subject, code, dsn, std::move(text))
             : defer_if_reject(run, order.subject, code, dsn, std::move(text));
}

Outcome do_info(Run& run, const Order& order) {
  log_action(run, lower(order.verb), order.text);
  return Outcome::Dunno;
}

Outcome do_dunno(Run&, const Order&) { return Outcome::Dunno; }

Outcome do_permit(Run& run, const Order& order) {
  return permit(run, order.verb, order.subject, order.table);
}

// Whether mail can be treated so where we are.
bool available(Run& run, const Order& order) {
  const auto& settings = run.site.settings;
  std::string action = upper(order.verb);
  if (!settings.get(param::smtpd_proxy_filter).empty() && action != "PREPEND" &&
      action != "DISCARD") {
    log::warning(
        fmt::format("access table {}: with smtpd_proxy_filter "
                    "specified, action {} is unavailable",
                    order.table, action));
    return false;
  }
  if (run.stage == Stage::Etrn) {
    log::warning(
        fmt::format("access table {}: action {} is unavailable in "
                    "smtpd_etrn_restrictions",
                    order.table, action));
    return false;
  }
  if (!settings.get(param::smtpd_delay_reject) &&
      (run.stage == Stage::Client || run.stage == Stage::Helo)) {
    log::warning(fmt::format(
        "access table {}: with smtpd_delay_reject=no, action {} is always "
        "skipped in Client host or Helo command restrictions",
        order.table, action));
    return false;
  }
  return true;
}

void log_trigger(Run& run, const Order& order, std::string_view what) {
  log_action(run, lower(order.verb),
             fmt::format("{}: {} {}", subject_name(run, order.subject),
                         subject_class(order.subject), what));
}

Outcome bad_entry(const Order& order, std::string_view what) {
  log::warning(fmt::format("access table {} entry \"{}\" {}", order.table,
                           order.key, what));
  return Outcome::Dunno;
}

Outcome do_filter(Run& run, const Order& order) {
  if (!available(run, order)) return Outcome::Dunno;
  if (order.text.empty())
    return bad_entry(order, "has FILTER entry without value");
  if (order.text.find(':') == std::string::npos) {
    return bad_entry(order, "requires transport:destination");
  }
  log_trigger(run, order, fmt::format("triggers FILTER {}", order.text));
  if (!run.warn) run.effects.filter = order.text;
  return Outcome::Dunno;
}

Outcome do_hold(Run& run, const Order& order) {
  if (!available(run, order) || run.effects.hold) return Outcome::Dunno;
  log_trigger(run, order, with_default(order.text, "triggers HOLD action"));
  if (!run.warn) run.effects.hold = true;
  return Outcome::Dunno;
}

// The whole message goes: nothing more is asked about it.
Outcome do_discard(Run& run, const Order& order) {
  if (!available(run, order)) return Outcome::Dunno;
  log_trigger(run, order, with_default(order.text, "triggers DISCARD action"));
  if (run.warn) return Outcome::Dunno;
  run.effects.discard = true;
  return do_permit(run, order);
}

bool has_target(const Order& order) {
  if (order.text.find('@') != std::string::npos) return true;
  bad_entry(order, "requires user@domain target");
  return false;
}

Outcome do_redirect(Run& run, const Order& order) {
  if (!available(run, order) || !has_target(order)) return Outcome::Dunno;
  log_trigger(run, order, fmt::format("triggers REDIRECT {}", order.text));
  if (!run.warn) run.effects.redirect = order.text;
  return Outcome::Dunno;
}

Outcome do_bcc(Run& run, const Order& order) {
  if (!available(run, order) || !has_target(order)) return Outcome::Dunno;
  log_trigger(run, order, fmt::format("triggers BCC {}", order.text));
  if (!run.warn) run.effects.bcc.push_back(order.text);
  return Outcome::Dunno;
}

bool is_header(std::string_view text) {
  size_t colon = text.find(':');
  if (colon == text.npos || colon == 0) return false;
  for (char c : trim_right(text.substr(0, colon))) {
    if (!is_print(c) || c == ' ') return false;
  }
  return true;
}

Outcome do_prepend(Run& run, const Order& order) {
  if (!available(run, order)) return Outcome::Dunno;
  if (run.stage == Stage::EndOfData) {
    log::warning(
        fmt::format("access table {}: action PREPEND must execute "
                    "before smtpd_end_of_data_restrictions",
                    order.table));
    return Outcome::Dunno;
  }
  if (!is_header(order.text)) return bad_entry(order, "requires header: text");
  if (!run.warn) run.effects.prepend.push_back(order.text);
  return Outcome::Dunno;
}

constexpr struct {
  std::string_view verb;
  Action act;
} kActions[] = {
    {"DUNNO", do_dunno},
    {"REJECT", do_reject},
    {"DEFER", do_defer},
    {"OK", do_permit},
    {"RELAY", do_permit},
    {"HANGUP", do_hangup},
    {"DEFER_IF_PERMIT", do_defer_if},
    {"DEFER_IF_REJECT", do_defer_if},
    {"WARN", do_info},
    {"INFO", do_info},
    {"FILTER", do_filter},
    {"HOLD", do_hold},
    {"DISCARD", do_discard},
    {"REDIRECT", do_redirect},
    {"BCC", do_bcc},
    {"PREPEND", do_prepend},
};

bool all_digits(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "550 text", with a status if one likes.
bool is_reply(const Order& order) {
  return order.verb.size() == 3 && all_digits(order.verb) &&
         (order.verb[0] == '4' || order.verb[0] == '5') && !order.text.empty();
}

Outcome do_reply(Run& run, const Order& order) {
  long code = *parse_number<long>(order.verb);
  return refuse(run, order, code, code < 500 ? "4.7.1" : "5.7.1");
}

net::Task<Outcome> ask_list(Run& run, const Order& order) {
  auto list = parse_list(run.site, order.value, run.subject, Tables::Refused);
  if (!list) {
    log::warning(list.error().what);
    co_return misconfigured(run);
  }
  for (const Item& item : *list) {
    if (item.complaints.empty() || !item.complaints[0].empty()) continue;
    log::warning(fmt::format("access table {} has entry with lookup table: {}",
                             order.table, order.value));
    log::warning("do not specify lookup tables inside SMTPD access maps");
    log::warning("define a restriction class and specify its name instead.");
    co_return misconfigured(run);
  }
  if (run.depth > 100) co_return misconfigured(run);
  ++run.depth;
  Outcome outcome = co_await evaluate(run, *list);
  --run.depth;
  co_return outcome;
}

}  // namespace

net::Task<Outcome> apply_action(Run& run, std::string table, std::string key,
                                std::string value, Subject subject) {
  Order order{
      std::move(table), std::move(key), std::string(trim(value)), {}, {},
      subject};
  std::string_view all = order.value;
  size_t end = all.find_first_of(" \t,");
  order.verb = all.substr(0, end);
  if (end != all.npos && all[end] != ',') order.text = trim(all.substr(end));
  bool list = end != all.npos && all[end] == ',';
  for (const auto& action : kActions) {
    if (!list && iequals(order.verb, action.verb)) {
      co_return action.act(run, order);
    }
  }
  if (is_reply(order)) co_return do_reply(run, order);
  if (all_digits(all)) co_return do_permit(run, order);
  Outcome outcome = co_await ask_list(run, order);
  co_return outcome;
}

}  // namespace mail::smtpd::restriction
