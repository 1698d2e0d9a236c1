// IDLE (RFC 2177): what happens to the mailbox is told as it happens.
#include <chrono>

#include "common/base/ascii.h"
#include "common/net/task_set.h"
#include "imapd/command.h"

namespace mail::imapd {
namespace {

using namespace std::chrono_literals;

struct Idle {
  Session& session;
  bool done = false;  // the client has said DONE, or is gone
  bool news = false;  // on_change was called
  bool still_here = false;
};

// The one who writes while the other waits for DONE.
net::Task<> tell(Idle* idle) {
  Session& session = idle->session;
  while (!idle->done) {
    if (idle->news && session.selected()) {
      idle->news = false;
      uint64_t before = session.selected()->highest_modseq();
      size_t held = session.output().size();
      if (!session.sync(Reply::Sync::All, false)) idle->done = true;
      if (session.condstore() && session.selected() && !idle->done &&
          session.output().size() != held) {
        before = session.selected()->highest_modseq();
        session.output() +=
            "* OK [HIGHESTMODSEQ " + std::to_string(before) + "] Highest\r\n";
      }
    }
    if (idle->still_here) {
      idle->still_here = false;
      session.output() += "* OK Still here\r\n";
    }
    bool alive = co_await session.flush();
    if (!alive) break;
    if (idle->done) break;
    if (!idle->news && !idle->still_here) {
      co_await session.changed().wait();
    }
  }
}

net::Task<> tick(Idle* idle, std::chrono::seconds interval) {
  while (!idle->done) {
    co_await net::sleep(interval);
    idle->still_here = true;
    idle->session.changed().notify_all();
  }
}

net::Task<Reply> wait_for_done(Session& session) {
  auto event = co_await session.next_event();
  if (!event) co_return Reply();
  auto* line = std::get_if<imap::Line>(&*event);
  if (line && iequals(trim(line->text), "DONE")) {
    co_return Reply::ok("Idle completed", Reply::Sync::All);
  }
  co_return Reply::bad("Expected DONE");
}

}  // namespace

net::Task<Reply> cmd_idle(Session& session, const imap::Command&) {
  Idle idle{session};
  session.message().close();
  if (session.selected()) {
    Idle* state = &idle;
    session.selected()->on_change([state] {
      state->news = true;
      state->session.changed().notify_all();
    });
    idle.news = true;  // what has happened before
  }
  session.output() += "+ idling\r\n";
  session.engine().expect_line();
  Reply reply;
  {
    net::TaskSet writers, timers;
    writers.start(tell(&idle));
    auto interval = session.config().idle_notify_interval;
    if (interval.count() > 0) timers.start(tick(&idle, interval));
    reply = co_await wait_for_done(session);
    idle.done = true;
    session.changed().notify_all();
    co_await writers.drained();
  }
  if (session.selected()) session.selected()->on_change(nullptr);
  co_return reply;
}

}  // namespace mail::imapd
