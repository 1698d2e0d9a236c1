#include "common/login/relay.h"

#include "common/net/condition.h"
#include "common/net/task_set.h"

namespace mail::login {
namespace {

// A peer that takes nothing for so long is gone.
constexpr std::chrono::minutes kWriteTime{10};

net::Task<> pump(net::Stream* from, net::Stream* to, bool* ended,
                 net::Condition* changed) {
  while (true) {
    if (!from->input().empty()) {
      auto sent =
          co_await to->send(from->input(), net::Deadline::in(kWriteTime));
      if (!sent) break;
      from->consume(from->input().size());
    }
    // The mail process knows how long a client may be silent, and keepalive
    // finds the dead ones.
    auto got = co_await from->fill(net::Deadline::never());
    if (!got || *got == 0) break;
  }
  *ended = true;
  changed->notify_all();
}

}  // namespace

net::Task<> relay(net::Stream* client, net::Stream* mail) {
  bool ended = false;
  net::Condition changed;
  net::TaskSet both;
  both.start(pump(client, mail, &ended, &changed));
  both.start(pump(mail, client, &ended, &changed));
  while (!ended) co_await changed.wait();
  both.clear();
  client->say_goodbye();
}

}  // namespace mail::login
