#pragma once

#include "common/filters/filter.h"
#include "common/net/address.h"

namespace mail::filters {

/// All filters of one SMTP session or one message: each event goes to each in
/// order, until one does not go on.
class Filters {
 public:
  Filters() = default;
  Filters(std::vector<Config> configs, const milter::MacroLists& macros,
          const Connector& connector);

  bool empty() const { return filters_.empty(); }
  std::vector<Filter>& members() { return filters_; }
  void add(Filter filter) { filters_.push_back(std::move(filter)); }

  /// host: the client's verified name or "[addr]"; no endpoint: unknown.
  net::Task<Verdict> connect(std::string host,
                             std::optional<net::Endpoint> client,
                             const MacroSource& macros);
  net::Task<Verdict> helo(std::string name, const MacroSource& macros);
  /// arguments: the address (with its brackets), then ESMTP parameters.
  net::Task<Verdict> mail(std::vector<std::string> arguments,
                          const MacroSource& macros);
  net::Task<Verdict> rcpt(std::vector<std::string> arguments,
                          const MacroSource& macros);
  /// A recipient that we have refused ourselves, for filters that ask.
  net::Task<> rejected_rcpt(std::vector<std::string> arguments,
                            const MacroSource& macros);
  net::Task<Verdict> data(const MacroSource& macros);
  net::Task<Verdict> unknown(std::string command, const MacroSource& macros);
  /// The whole message through the first, its edits, then the next.
  net::Task<Verdict> message(Message& message, const MacroSource& macros);
  net::Task<> abort();
  net::Task<> quit();

 private:
  net::Task<Verdict> each(milter::Event event, std::string data,
                          const MacroSource& macros);
  std::vector<Filter> filters_;
};

}  // namespace mail::filters
