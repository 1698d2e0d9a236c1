#include "tools/postsuper/request.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace mail::postsuper {
namespace {

constexpr char kUsage[] =
    "usage: postsuper [-c config_dir] [-d queue_id (delete)] [-e queue_id "
    "(expire)] [-f queue_id (expire and/or un-hold)] [-h queue_id (hold)] [-H "
    "queue_id (un-hold)] [-p (purge temporary files)] [-r queue_id (requeue)] "
    "[-s (structure fix)] [-S (redundant structure fix)][-v (verbose)] "
    "[queue...]";

constexpr char kIncomplete[] =
    "OPERATION INCOMPLETE -- RERUN COMMAND TO FIX THE QUEUE FIRST";

std::optional<Action> action_of(int letter) {
  switch (letter) {
    case 'd':
      return Action::Delete;
    case 'e':
      return Action::Expire;
    case 'f':
      return Action::ExpireRelease;
    case 'h':
      return Action::Hold;
    case 'H':
      return Action::Release;
    case 'r':
      return Action::Requeue;
    default:
      return std::nullopt;
  }
}

/// Lines of standard input, without their newlines.
template <class Each>
Result<> each_line(Each each) {
  std::string held;
  char buffer[8192];
  for (;;) {
    ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
    if (n < 0) return fail_errno("read standard input", errno);
    if (n == 0) break;
    held.append(buffer, static_cast<size_t>(n));
    size_t end;
    while ((end = held.find('\n')) != std::string::npos) {
      TRY(each(held.substr(0, end)));
      held.erase(0, end + 1);
    }
  }
  return held.empty() ? Result<>{} : each(held);
}

Result<> fulfil(const Wish& wish, Actions& actions, const Voice& voice) {
  auto one = [&](const std::string& id) -> Result<> {
    if (queue::QueueId::valid(id)) return actions.one(wish.action, id);
    voice.warn(fmt::format("invalid mail queue id: {}", id));
    return {};
  };
  if (wish.id == "ALL") return actions.all(wish.action);
  if (wish.id == "-") return each_line(one);
  return one(wish.id);
}

void say_totals(const Request& request, const Counts& counts,
                const Voice& voice) {
  auto say = [&](std::initializer_list<Action> actions, std::string_view what,
                 long count) {
    bool asked = std::ranges::any_of(request.wishes, [&](const Wish& wish) {
      return std::ranges::find(actions, wish.action) != actions.end();
    });
    if (!asked) return;
    voice.info(
        fmt::format("{}: {} message{}", what, count, count == 1 ? "" : "s"));
  };
  say({Action::Delete}, "Deleted", counts.deleted);
  say({Action::Requeue}, "Requeued", counts.requeued);
  say({Action::Expire, Action::ExpireRelease}, "Force-expired", counts.expired);
  say({Action::Hold}, "Placed on hold", counts.held);
  say({Action::Release, Action::ExpireRelease}, "Released from hold",
      counts.released);
}

bool names_messages(const Request& request) {
  return std::ranges::any_of(request.wishes,
                             [](const Wish& w) { return w.id != "ALL"; });
}

}  // namespace

Result<Request> parse(int argc, char** argv) {
  Request request;
  int letter;
  while ((letter = getopt(argc, argv, "c:d:e:f:h:H:pr:sSv")) > 0) {
    if (auto action = action_of(letter)) {
      request.wishes.push_back({*action, optarg});
    } else if (letter == 'c') {
      request.config_directory = optarg;
    } else if (letter == 'p') {
      request.repair.purge = true;
    } else if (letter == 's' || letter == 'S') {
      request.repair.structure = true;
      request.repair.all_inodes |= letter == 'S';
    } else if (letter == 'v') {
      request.verbose = true;
    } else {
      return fail(Fault::Config, kUsage);
    }
  }
  for (int i = optind; i < argc; ++i) request.queues.emplace_back(argv[i]);
  for (const auto& queue : request.queues) {
    if (std::ranges::find(default_queues(), queue) == default_queues().end()) {
      return fail(Fault::Config,
                  fmt::format("invalid directory name: {}", queue));
    }
  }
  if (request.queues.empty()) request.queues = default_queues();
  const Repair& repair = request.repair;
  if (request.wishes.empty() && !repair.structure && !repair.purge) {
    request.repair.structure = request.repair.purge = true;
  }
  return request;
}

Result<> run(const queue::Layout& layout, const Request& request,
             const Voice& voice) {
  Counts counts;
  if (request.repair.structure || request.repair.purge) {
    auto renamed =
        repair(layout, request.queues, request.repair, voice, request.verbose);
    if (!renamed) {
      voice.warn(kIncomplete);
      return fail(std::move(renamed).error());
    }
    counts.renamed = *renamed;
  }
  constexpr std::string_view kChanged =
      "QUEUE FILE NAMES WERE CHANGED TO MATCH INODE NUMBERS";
  if (counts.renamed > 0) {
    if (names_messages(request)) {
      voice.error(std::string(kChanged));
      voice.warn(kIncomplete);
      return fail(Fault::Config,
                  "CHECK YOUR QUEUE IDS AND RE-ISSUE THE COMMAND");
    }
    voice.info(fmt::format("Renamed to match inode number: {} message{}",
                           counts.renamed, counts.renamed == 1 ? "" : "s"));
    voice.warn(std::string(kChanged));
  }
  Actions actions(layout, request.queues, voice);
  for (const Wish& wish : request.wishes) {
    TRY(fulfil(wish, actions, voice));
  }
  say_totals(request, actions.counts(), voice);
  return {};
}

}  // namespace mail::postsuper
