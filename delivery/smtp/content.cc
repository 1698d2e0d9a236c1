#include "delivery/smtp/content.h"

#include <fmt/format.h>

#include <utility>

#include "common/config/postfix/params.h"
#include "common/log/log.h"

namespace mail::smtpc {

namespace param = config::param;
using mime::HeaderClass;

ContentWriter::ContentWriter(Config& config, smtp::ClientEngine& engine,
                             std::string id, bool downgrade)
    : config_(config),
      engine_(engine),
      id_(std::move(id)),
      watch_body_(downgrade || config.checks.below_head()) {
  if (!watch_body_ && !config.checks.heads() && config.generic.empty()) return;
  const auto& s = *config.settings;
  auto size = [&](param::Int p) { return static_cast<size_t>(s.get(p)); };
  mime::MimeOptions options;
  options.downgrade = downgrade;
  options.nesting_limit = size(param::mime_nesting_limit);
  options.boundary_length_limit = size(param::mime_boundary_length_limit);
  options.header_size_limit = size(param::header_size_limit);
  mime_.emplace(options, *this);
}

void ContentWriter::on_header(HeaderClass where, const mime::HeaderInfo* info,
                              std::string_view text) {
  events_.push_back({Event::Kind::Header, where, info, std::string(text)});
}

void ContentWriter::on_body(std::string_view line, bool complete) {
  if (events_.empty() && !config_.checks.bodies()) {
    engine_.body_line(line, complete);
    return;
  }
  Event event;
  event.text = line;
  event.complete = complete;
  events_.push_back(std::move(event));
}

net::Task<Result<>> ContentWriter::line(std::string text, bool complete) {
  mime_->line(text, complete);
  auto done = co_await handle_events();
  CO_CHECK(done);
  if (past_header_ && !watch_body_) mime_.reset();
  co_return Result<>{};
}

net::Task<Result<>> ContentWriter::finish() {
  if (!mime_) co_return Result<>{};
  mime_->finish();
  auto done = co_await handle_events();
  co_return done;
}

net::Task<Result<>> ContentWriter::handle_events() {
  auto events = std::exchange(events_, {});
  for (auto& event : events) {
    auto done = event.kind == Event::Kind::Header ? header(event) : body(event);
    auto result = co_await done;
    CO_CHECK(result);
  }
  co_return Result<>{};
}

void ContentWriter::write_header(std::string_view text) {
  while (true) {
    size_t end = text.find('\n');
    engine_.body_line(text.substr(0, end), true);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

net::Task<Result<>> ContentWriter::header(Event& event) {
  if (config_.checks.heads()) {
    auto checked = co_await config_.checks.header(event.where, event.text, id_);
    if (!checked) {
      log::warning(fmt::format("{}: smtp header checks lookup error", id_));
      co_return fail(std::move(checked).error());
    }
    if (checked->drop) co_return Result<>{};
    if (checked->before) write_header(*checked->before);
    if (checked->replacement) {
      event.text = std::move(*checked->replacement);
      // One that has become another header is nobody's to map.
      auto name = mime::split_header(event.text).name;
      if (mime::find_header(name) != event.info) event.info = nullptr;
    }
  }
  if (event.where == HeaderClass::Primary && event.info) {
    auto mapped =
        co_await config_.generic.map_header(event.info, std::move(event.text));
    if (!mapped) {
      log::warning(fmt::format("{}: {}", id_, mapped.error().what));
      co_return fail(std::move(mapped).error());
    }
    event.text = std::move(*mapped);
  }
  write_header(event.text);
  co_return Result<>{};
}

net::Task<Result<>> ContentWriter::body(Event& event) {
  auto checked = co_await config_.checks.body(event.text, id_);
  if (!checked) {
    log::warning(fmt::format("{}: smtp body checks lookup error", id_));
    co_return fail(std::move(checked).error());
  }
  if (checked->drop) co_return Result<>{};
  if (checked->before) engine_.body_line(*checked->before, true);
  if (checked->replacement) event.text = std::move(*checked->replacement);
  engine_.body_line(event.text, event.complete);
  co_return Result<>{};
}

}  // namespace mail::smtpc
