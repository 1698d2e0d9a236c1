#include <fmt/format.h>

#include "common/log/log.h"
#include "smtpd/restrict/run.h"

namespace mail::smtpd::restriction {

namespace {

constexpr int kDepthLimit = 100;

net::Task<Outcome> evaluate_class(Run& run, const List& list) {
  if (run.depth >= kDepthLimit) {
    log::warning("SMTPD restrictions: recursion limit exceeded");
    co_return misconfigured(run);
  }
  ++run.depth;
  Outcome outcome = co_await evaluate(run, list);
  --run.depth;
  co_return outcome;
}

void warn_of_rest(const Item& item, const Item& next) {
  if (item.warn) return;
  log::warning(fmt::format("restriction `{}' after `{}' is ignored", next.name,
                           item.name));
}

Outcome complain(Run& run, const Item& item) {
  for (const auto& text : item.complaints) log::warning(text);
  // A block list without a name is passed over; all else is refused.
  if (item.kind && item.kind->argument == Argument::Domain) {
    return Outcome::Dunno;
  }
  return misconfigured(run);
}

}  // namespace

net::Task<Outcome> evaluate(Run& run, const List& list) {
  for (const Item& item : list) {
    bool outer_warn = run.warn;
    run.warn = outer_warn || item.warn;
    Outcome outcome = Outcome::Dunno;
    if (!item.complaints.empty()) {
      outcome = complain(run, item);
    } else if (item.list) {
      outcome = co_await evaluate_class(run, *item.list);
    } else if (item.kind->now) {
      outcome = item.kind->now(run, item);
    } else {
      outcome = co_await item.kind->later(run, item);
    }
    run.warn = outer_warn;
    if (item.kind && item.kind->last && &item != &list.back() && !run.warn) {
      warn_of_rest(item, *(&item + 1));
    }
    if (outcome != Outcome::Dunno) co_return outcome;
  }
  co_return Outcome::Dunno;
}

net::Task<Result<ipc::ResolveReply>> route(Run& run, Subject subject) {
  if (subject == Subject::Recipient) {
    if (!run.recipient_route) {
      auto reply = co_await run.site.rewrite.resolve(
          run.facts.sender.value_or(""), run.facts.recipient.value_or(""));
      CO_CHECK(reply);
      run.recipient_route = std::move(*reply);
    }
    co_return *run.recipient_route;
  }
  auto reply = co_await run.site.rewrite.resolve(run.facts.sender.value_or(""),
                                                 run.facts.sender.value_or(""));
  co_return reply;
}

}  // namespace mail::smtpd::restriction
