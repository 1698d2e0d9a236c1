#include "common/login/anvil_client.h"

#include <fmt/format.h>

#include <map>

#include "common/base/number.h"
#include "common/ipc/tabbed.h"

namespace mail::login {
namespace {
constexpr std::chrono::seconds kAnswerTime{5};
constexpr size_t kMaxLine = 64;
}  // namespace

std::string anvil_ident(std::string_view service, std::string_view ip,
                        std::string_view user) {
  return ipc::tab_escape(fmt::format("{}/{}/{}", service, ip, user));
}

AnvilClient::AnvilClient(UniqueFd connected, net::TaskSet& tasks)
    : stream_(std::move(connected)), tasks_(tasks) {
  stream_.write("VERSION\tanvil\t1\t0\n");
  tasks_.start(read_answers());
}

net::Task<> AnvilClient::read_answers() {
  while (true) {
    auto text = stream_.input();
    auto end = text.find('\n');
    if (end != std::string_view::npos) {
      answers_.push_back(
          parse_number<unsigned>(text.substr(0, end)).value_or(0));
      stream_.consume(end + 1);
      ++answered_;
      changed_.notify_all();
      continue;
    }
    if (text.size() > kMaxLine) break;
    auto got = co_await stream_.fill(net::Deadline::never());
    if (!got || *got == 0) break;
  }
  broken_ = true;
  changed_.notify_all();
}

// Everybody waits for the answer to the question of his number: anvil answers
// in order, and takes milliseconds at the most.
net::Task<Result<unsigned>> AnvilClient::lookup(std::string ident) {
  if (broken_) co_return fail(Fault::Temporary, "anvil has gone");
  uint64_t mine = asked_++;
  stream_.write(fmt::format("LOOKUP\t{}\n", ident));
  auto deadline = net::Deadline::in(kAnswerTime);
  if (!writing_) {
    writing_ = true;
    auto sent = co_await stream_.flush(deadline);
    writing_ = false;
    if (!sent) broken_ = true;
  }
  while (!broken_ && answered_ <= mine) co_await changed_.wait();
  if (answered_ <= mine) co_return fail(Fault::Temporary, "anvil has gone");
  // The deque holds the answers from number answered_ - size on.
  uint64_t first = answered_ - answers_.size();
  unsigned count = answers_[mine - first];
  // Nobody can still want the oldest once there are many.
  while (answers_.size() > 4096) answers_.pop_front();
  co_return count;
}

}  // namespace mail::login
