// stats: what Dovecot's processes send their events to. No metrics are kept
// yet: each writer is told that no event is wanted, so none is sent.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/daemon/dovecot_service.h"
#include "common/log/log.h"

namespace mail::stats {

namespace {

using namespace std::chrono_literals;

constexpr size_t kLineLimit = 65536;
constexpr auto kWriteTime = 30s;

class StatsService : public daemon::DovecotService {
 public:
  Result<> open(daemon::DovecotContext& context) override {
    for (const auto& metric : context.settings->metrics()) {
      log::warning(fmt::format(
          "metric {}: metrics are not built yet, nothing is counted",
          metric.name()));
    }
    return {};
  }

  net::Task<> serve(net::Stream stream,
                    daemon::DovecotConnection connection) override {
    bool reader = connection.listener == "stats-reader";
    // An empty filter: no event matches it.
    stream.write(reader ? "VERSION\tstats-reader-server\t2\t0\n"
                        : "VERSION\tstats-server\t4\t0\nFILTER\t\n");
    while (true) {
      auto sent = co_await stream.flush(net::Deadline::in(kWriteTime));
      if (!sent) co_return;
      auto got = co_await stream.fill(net::Deadline::never());
      if (!got || *got == 0) co_return;
      while (true) {
        size_t end = stream.input().find('\n');
        if (end == std::string_view::npos) break;
        if (reader) answer(stream.input().substr(0, end), stream);
        stream.consume(end + 1);
      }
      if (stream.input().size() > kLineLimit) co_return;
    }
  }

 private:
  /// A line of doveadm stats.
  static void answer(std::string_view line, net::Stream& stream) {
    auto words = split_exact(line, '\t');
    if (words[0] == "DUMP") {
      // The wanted fields as a heading, then one line a metric: none.
      for (size_t i = 1; i < words.size(); ++i) {
        if (i > 1) stream.write("\t");
        stream.write(words[i]);
      }
      stream.write("\n\n");
    } else if (words[0] == "METRICS-ADD" || words[0] == "METRICS-REMOVE") {
      stream.write("-Metrics are not built yet\n");
    }
  }
};

}  // namespace

}  // namespace mail::stats

int main(int argc, char** argv) {
  return mail::daemon::run_dovecot(
      argc, argv,
      {.name = "stats",
       .protocol = "stats",
       .modules = {"stats"},
       .make = []() -> std::unique_ptr<mail::daemon::DovecotService> {
         return std::make_unique<mail::stats::StatsService>();
       }});
}
