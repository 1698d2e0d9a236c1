#include "common/net/descriptor.h"

#include <event2/event.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "common/base/check.h"

namespace mail::net {

Descriptor::Wait::~Wait() {
  if (waiting_) descriptor_->waiter(direction_) = nullptr;
}

void Descriptor::Wait::await_suspend(std::coroutine_handle<> caller) {
  caller_ = caller;
  auto& place = descriptor_->waiter(direction_);
  CHECK(place == nullptr);
  place = this;
  waiting_ = true;
  Descriptor& d = *descriptor_;
  if (direction_ == Direction::Read) {
    if (!d.read_event_) {
      d.read_event_ =
          event_new(loop().base(), d.fd(), EV_READ | EV_PERSIST, on_event, &d);
      CHECK(d.read_event_ != nullptr);
    }
    if (!d.read_added_) event_add(d.read_event_, nullptr);
    d.read_added_ = true;
  } else {
    if (!d.write_event_) {
      d.write_event_ = event_new(loop().base(), d.fd(), EV_WRITE, on_event, &d);
      CHECK(d.write_event_ != nullptr);
    }
    event_add(d.write_event_, nullptr);
  }
  if (!deadline_.is_never()) d.arm(deadline_.at());
}

Result<> Descriptor::Wait::await_resume() {
  if (timed_out_) return fail_errno("", ETIMEDOUT);
  return {};
}

Descriptor::Descriptor(UniqueFd fd) : fd_(std::move(fd)) {
  int flags = fcntl(fd_.get(), F_GETFL);
  if (flags >= 0 && !(flags & O_NONBLOCK)) {
    fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK);
  }
}

Descriptor::~Descriptor() {
  CHECK(!reader_ && !writer_);
  if (read_event_) event_free(read_event_);
  if (write_event_) event_free(write_event_);
}

UniqueFd Descriptor::release() {
  CHECK(!reader_ && !writer_);
  if (read_event_) event_free(std::exchange(read_event_, nullptr));
  if (write_event_) event_free(std::exchange(write_event_, nullptr));
  read_added_ = false;
  timer_.reset();
  timer_at_ = Instant::max();
  return std::move(fd_);
}

void Descriptor::wake(Wait* wait, bool timed_out) {
  waiter(wait->direction_) = nullptr;
  wait->waiting_ = false;
  wait->timed_out_ = timed_out;
  wait->caller_.resume();  // may destroy this descriptor
}

void Descriptor::on_event(int, short what, void* self) {
  auto& d = *static_cast<Descriptor*>(self);
  if (what & EV_WRITE) {
    if (d.writer_) d.wake(d.writer_, false);
    return;
  }
  if (d.reader_) {
    d.wake(d.reader_, false);
    return;
  }
  // Bytes that nobody asks for yet: do not be told again and again.
  event_del(d.read_event_);
  d.read_added_ = false;
}

// One timer for both directions, armed for the earlier deadline and only ever
// moved when it fires: most waits end long before, and cost nothing here.
void Descriptor::arm(Instant at) {
  if (at >= timer_at_) return;
  if (!timer_) timer_ = std::make_unique<Timer>(on_timer, this);
  timer_at_ = at;
  timer_->set(at);
}

void Descriptor::on_timer(void* self) {
  auto& d = *static_cast<Descriptor*>(self);
  d.timer_at_ = Instant::max();
  Instant now = Clock::now();
  Wait* expired = nullptr;
  for (Wait* wait : {d.reader_, d.writer_}) {
    if (!wait || wait->deadline_.is_never()) continue;
    if (wait->deadline_.at() <= now && !expired) {
      expired = wait;
    } else {
      d.arm(std::max(wait->deadline_.at(), now));
    }
  }
  if (expired) d.wake(expired, true);
}

}  // namespace mail::net
