#include "delivery/smtp/checks.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/log/log.h"

namespace mail::smtpc {

namespace client = config::param::client;

namespace {
constexpr size_t kShown = 60;  // of the text, in a log line
}  // namespace

Result<Checks> Checks::open(const config::Settings& s, config::ClientMode mode,
                            const maps::OpenOptions& tables) {
  Checks out;
  std::string prefix = mode == config::ClientMode::Smtp ? "smtp_" : "lmtp_";
  out.header_ = TRY(maps::Tables::open(
      prefix + "header_checks", s.get(client::header_checks, mode), tables));
  out.mime_ =
      TRY(maps::Tables::open(prefix + "mime_header_checks",
                             s.get(client::mime_header_checks, mode), tables));
  out.nested_ = TRY(
      maps::Tables::open(prefix + "nested_header_checks",
                         s.get(client::nested_header_checks, mode), tables));
  out.body_ = TRY(maps::Tables::open(prefix + "body_checks",
                                     s.get(client::body_checks, mode), tables));
  return out;
}

Checks::Verdict act_on_check(std::string_view value, std::string_view what,
                             std::string_view text, std::string_view id,
                             std::string_view title) {
  value = trim(value);
  size_t end = std::min(value.find_first_of(" \t"), value.size());
  auto action = value.substr(0, end), rest = trim(value.substr(end));
  Checks::Verdict out;
  auto note = [&](std::string_view word) {
    log::info(fmt::format("{}: {}: {} {}{}{}", id, word, what,
                          text.substr(0, kShown), rest.empty() ? "" : ": ",
                          rest));
  };
  bool header = what == "header";
  // What is put in place of a header, or before one, must be one.
  auto usable = [&](std::string_view verb) {
    if (rest.empty()) {
      log::warning(
          fmt::format("{} action without text in {} map", verb, title));
      return false;
    }
    if (header && mime::header_name_length(rest) == 0) {
      log::warning(
          fmt::format("bad {} header text \"{}\" in {} map -- need "
                      "\"headername: headervalue\"",
                      verb, rest, title));
      return false;
    }
    return true;
  };
  if (iequals(action, "WARN")) {
    note("warning");
  } else if (iequals(action, "INFO")) {
    note("info");
  } else if (iequals(action, "REPLACE")) {
    if (usable("REPLACE")) {
      out.replacement = std::string(rest);
      note("replace");
    }
  } else if (iequals(action, "PREPEND")) {
    if (usable("PREPEND")) {
      out.before = std::string(rest);
      note("prepend");
    }
  } else if (iequals(action, "STRIP")) {
    note("strip");
    out.drop = true;
  } else if (iequals(action, "IGNORE")) {
    out.drop = true;
  } else if (!iequals(action, "DUNNO") && !iequals(action, "OK")) {
    log::warning(
        fmt::format("unsupported command in {} map: {}", title, value));
  }
  return out;
}

net::Task<Result<Checks::Verdict>> Checks::look_up(maps::Tables& tables,
                                                   const char* what,
                                                   std::string text,
                                                   std::string id) {
  if (tables.empty() || text.empty()) co_return Verdict{};
  auto found = co_await tables.find(text);
  CO_CHECK(found);
  if (!*found) co_return Verdict{};
  co_return act_on_check((*found)->value, what, text, id, tables.title());
}

net::Task<Result<Checks::Verdict>> Checks::header(mime::HeaderClass where,
                                                  std::string text,
                                                  std::string id) {
  auto& tables = where == mime::HeaderClass::Primary ? header_
                 : where == mime::HeaderClass::Mime  ? mime_
                                                     : nested_;
  auto done =
      co_await look_up(tables, "header", std::move(text), std::move(id));
  co_return done;
}

net::Task<Result<Checks::Verdict>> Checks::body(std::string text,
                                                std::string id) {
  auto done = co_await look_up(body_, "body", std::move(text), std::move(id));
  co_return done;
}

}  // namespace mail::smtpc
