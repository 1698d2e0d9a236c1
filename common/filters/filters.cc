#include "common/filters/filters.h"

namespace mail::filters {

using milter::Event;

namespace {
std::string texts(const std::vector<std::string>& arguments) {
  std::string data;
  for (const auto& argument : arguments) milter::append_text(data, argument);
  return data;
}
}  // namespace

Filters::Filters(std::vector<Config> configs, const milter::MacroLists& macros,
                 const Connector& connector) {
  for (auto& config : configs) {
    filters_.emplace_back(std::move(config), macros, connector);
  }
}

net::Task<Verdict> Filters::each(Event event, std::string data,
                                 const MacroSource& macros) {
  Verdict hold;
  for (auto& filter : filters_) {
    auto verdict = co_await filter.event(event, data, macros);
    if (verdict.kind == Verdict::Kind::Hold) {
      hold = verdict;  // the others are asked all the same
      continue;
    }
    if (!verdict.goes_on()) co_return verdict;
  }
  co_return hold;
}

net::Task<Verdict> Filters::connect(std::string host,
                                    std::optional<net::Endpoint> client,
                                    const MacroSource& macros) {
  std::string data;
  milter::append_text(data, host);
  if (!client) {
    data += 'U';
  } else if (!client->path.empty()) {
    data += 'L';
    data.append(2, '\0');
    milter::append_text(data, client->path);
  } else {
    data += client->address.is_v4() ? '4' : '6';
    data += static_cast<char>(client->port >> 8);
    data += static_cast<char>(client->port & 0xFF);
    milter::append_text(data, client->address.text());
  }
  Verdict hold;
  for (auto& filter : filters_) {
    auto verdict = co_await filter.connect(data, macros);
    if (verdict.kind == Verdict::Kind::Hold) {
      hold = verdict;
      continue;
    }
    if (!verdict.goes_on()) co_return verdict;
  }
  co_return hold;
}

net::Task<Verdict> Filters::helo(std::string name, const MacroSource& macros) {
  std::string data;
  milter::append_text(data, name);
  return each(Event::Helo, std::move(data), macros);
}

net::Task<Verdict> Filters::mail(std::vector<std::string> arguments,
                                 const MacroSource& macros) {
  return each(Event::Mail, texts(arguments), macros);
}

net::Task<Verdict> Filters::rcpt(std::vector<std::string> arguments,
                                 const MacroSource& macros) {
  return each(Event::Rcpt, texts(arguments), macros);
}

net::Task<> Filters::rejected_rcpt(std::vector<std::string> arguments,
                                   const MacroSource& macros) {
  std::string data = texts(arguments);
  for (auto& filter : filters_) {
    if (!filter.wants_rejected_recipients()) continue;
    auto ignored = co_await filter.event(Event::Rcpt, data, macros);
    (void)ignored;
  }
}

net::Task<Verdict> Filters::data(const MacroSource& macros) {
  return each(Event::Data, {}, macros);
}

net::Task<Verdict> Filters::unknown(std::string command,
                                    const MacroSource& macros) {
  std::string data;
  milter::append_text(data, command);
  return each(Event::Unknown, std::move(data), macros);
}

net::Task<Verdict> Filters::message(Message& message,
                                    const MacroSource& macros) {
  Verdict hold;
  for (auto& filter : filters_) {
    auto verdict = co_await filter.message(message, macros);
    if (verdict.kind == Verdict::Kind::Hold) {
      hold = verdict;
      continue;
    }
    if (!verdict.goes_on()) co_return verdict;
  }
  co_return hold;
}

net::Task<> Filters::abort() {
  for (auto& filter : filters_) co_await filter.abort();
}

net::Task<> Filters::quit() {
  for (auto& filter : filters_) co_await filter.quit();
}

}  // namespace mail::filters
