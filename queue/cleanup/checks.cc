#include "queue/cleanup/checks.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "common/queue/dsn_status.h"

namespace mail::cleanup {

using queuefile::Type;
namespace flag = ipc::cleanup_flag;
namespace status = ipc::cleanup_status;

void Checks::reject(std::string_view rest, std::string_view context,
                    std::string_view text) {
  auto dsn = queue::split_dsn(rest.empty() ? "message content rejected" : rest,
                              "5.7.1");
  if (s_.config.soft_bounce && dsn.status.starts_with('5')) dsn.status[0] = '4';
  std::string reason = dsn.status + " " + dsn.text;
  s_.log_action("reject", context, text, reason);
  s_.add_error(dsn.status.starts_with('4') ? status::kDefer : status::kContent,
               reason);
}

Checks::Result Checks::act(std::string_view action, std::string_view rest,
                           std::string_view context, std::string_view text,
                           std::string_view table) {
  Result out;
  auto note = [&](std::string_view word) {
    s_.log_action(word, context, text, rest);
  };
  auto needs = [&](std::string_view what) {
    if (!rest.empty()) return false;
    log::warning(
        fmt::format("{} action without {} in {} map", action, what, table));
    return true;
  };
  if (iequals(action, "REJECT")) {
    reject(rest, context, text);
    out.rejected = true;
  } else if (iequals(action, "WARN")) {
    note("warning");
  } else if (iequals(action, "INFO")) {
    note("info");
  } else if (iequals(action, "FILTER")) {
    if (!needs("destination")) {
      s_.filter = rest;
      s_.out.record(Type::Filter, rest);
      note("filter");
    }
  } else if (iequals(action, "PASS")) {
    note("pass");
    s_.flags &= ~(flag::kFilter);
  } else if (iequals(action, "DISCARD")) {
    note("discard");
    s_.flags |= flag::kDiscard;
    s_.flags &= ~flag::kFilter;
  } else if (iequals(action, "HOLD")) {
    if (!s_.hold()) note("hold");
    s_.flags |= flag::kHold;
  } else if (iequals(action, "PREPEND")) {
    if (!needs("text")) {
      out.before = std::string(rest);
      note("prepend");
    }
  } else if (iequals(action, "REPLACE")) {
    if (!needs("text")) {
      out.replacement = std::string(rest);
      note("replace");
    }
  } else if (iequals(action, "REDIRECT")) {
    if (rest.find('@') == std::string_view::npos) {
      log::warning(
          fmt::format("bad REDIRECT target \"{}\" in {} map -- need "
                      "user@domain",
                      rest, table));
    } else {
      s_.redirect = rest;
      note("redirect");
    }
  } else if (iequals(action, "BCC")) {
    if (rest.find('@') == std::string_view::npos) {
      log::warning(
          fmt::format("bad BCC address \"{}\" in {} map -- need "
                      "user@domain",
                      rest, table));
    } else {
      s_.header_bcc.emplace_back(rest);
      note("bcc");
    }
  } else if (iequals(action, "STRIP")) {
    note("strip");
    out.drop = true;
  } else if (iequals(action, "IGNORE")) {
    out.drop = true;
  } else if (!iequals(action, "DUNNO") && !iequals(action, "OK")) {
    log::warning(fmt::format("unknown command in {} map: {}", table, action));
  }
  return out;
}

net::Task<Checks::Result> Checks::look_up(maps::Tables& tables,
                                          std::string_view context,
                                          std::string text) {
  if (tables.empty() || !(s_.flags & flag::kFilter)) co_return Result{};
  std::string kind(context);
  auto found = co_await tables.find(text);
  if (!found) {
    log::warning(
        fmt::format("{}: {} map lookup problem -- message not "
                    "accepted, try again later",
                    s_.out.id(), tables.title()));
    s_.add_error(status::kWrite);
    co_return Result{};
  }
  if (!*found) co_return Result{};
  std::string_view value = trim((*found)->value);
  size_t end = std::min(value.find_first_of(" \t"), value.size());
  co_return act(value.substr(0, end), trim(value.substr(end)), kind, text,
                (*found)->table->name());
}

}  // namespace mail::cleanup
