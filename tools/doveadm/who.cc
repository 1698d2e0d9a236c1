// doveadm who, kick, penalty: what anvil knows.
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <map>
#include <set>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/ipc/dovecot_anvil.h"
#include "common/ipc/tabbed.h"
#include "common/net/address.h"
#include "tools/doveadm/ask.h"
#include "tools/doveadm/auth_info.h"
#include "tools/doveadm/context.h"

namespace mail::doveadm {

namespace {

/// The lines of a DUMP.
std::vector<std::string> ask_anvil(Context& context, const std::string& path,
                                   std::string_view command) {
  return ask_socket(context, path,
                    fmt::format("{}{}\n", ipc::kDovecotAnvilGreeting, command));
}

struct Login {
  std::string service, address, user;
  unsigned pid = 0, count = 0;
};

/// "service/ip/user"; other idents (without an address) have no user.
std::optional<Login> parse_login(const std::string& line) {
  auto words = ipc::tab_split(line);
  if (words.size() < 3) return std::nullopt;
  std::string ident = ipc::tab_unescape(words[0]);
  size_t first = ident.find('/');
  size_t second =
      first == std::string::npos ? first : ident.find('/', first + 1);
  if (second == std::string::npos) return std::nullopt;
  Login out;
  out.service = ident.substr(0, first);
  out.address = ident.substr(first + 1, second - first - 1);
  out.user = ident.substr(second + 1);
  out.pid = parse_number<unsigned>(words[1]).value_or(0);
  out.count = parse_number<unsigned>(words[2]).value_or(0);
  return out;
}

/// A user mask, a network, or both.
struct Filter {
  std::string mask;
  std::optional<net::IpAddress> network;
  unsigned bits = 0;

  bool matches(std::string_view user, std::string_view address) const {
    if (!mask.empty() && !matches_mask(mask, user)) return false;
    if (!network) return true;
    auto parsed = net::IpAddress::parse(address);
    return parsed && parsed->in_network(*network, bits);
  }
};

Filter take_filter(Context& context, const std::vector<std::string>& words) {
  Filter out;
  for (const auto& word : words) {
    size_t slash = word.find('/');
    auto address =
        net::IpAddress::parse(std::string_view(word).substr(0, slash));
    if (address) {
      if (out.network) {
        context.error("Multiple network masks not supported");
        context.leave(kUsage);
      }
      out.network = address;
      out.bits = address->bit_count();
      if (slash != std::string::npos) {
        out.bits =
            parse_number<unsigned>(word.substr(slash + 1)).value_or(out.bits);
      }
    } else {
      if (!out.mask.empty()) {
        context.error("Multiple username masks not supported");
        context.leave(kUsage);
      }
      out.mask = word;
    }
  }
  return out;
}

std::vector<Login> logins(Context& context, const std::string& socket,
                          const Filter& filter) {
  std::vector<Login> out;
  for (const auto& line : ask_anvil(context, socket, "CONNECT-DUMP")) {
    auto login = parse_login(line);
    if (login && filter.matches(login->user, login->address)) {
      out.push_back(std::move(*login));
    }
  }
  return out;
}

int who(Context& context) {
  std::string socket = "anvil";
  bool each = false;
  Options options(context, "a:1");
  while (int letter = options.next()) {
    if (letter == 'a') socket = options.value();
    if (letter == '1') each = true;
  }
  Filter filter = take_filter(context, options.rest());
  context.default_form(Printer::Form::Table);
  auto all = logins(context, context.socket_path(socket), filter);
  if (each) {
    context.printer.columns({"username", "proto", "pid", "ip"}, 0);
    for (const auto& one : all) {
      for (unsigned i = 0; i < one.count; ++i) {
        context.printer.row(
            {one.user, one.service, fmt::format("{}", one.pid), one.address});
      }
    }
    return kOk;
  }
  struct Group {
    unsigned count = 0;
    std::set<unsigned> pids;
    std::vector<std::string> addresses;
  };
  std::map<std::pair<std::string, std::string>, Group> groups;
  for (const auto& one : all) {
    Group& group = groups[{one.user, one.service}];
    group.count += one.count;
    group.pids.insert(one.pid);
    auto& known = group.addresses;
    if (std::find(known.begin(), known.end(), one.address) == known.end()) {
      known.push_back(one.address);
    }
  }
  context.printer.columns({"username", "#", "proto", "(pids)", "(ips)"});
  for (const auto& [who_for, group] : groups) {
    context.printer.row({who_for.first, fmt::format("{}", group.count),
                         who_for.second,
                         fmt::format("({})", fmt::join(group.pids, " ")),
                         fmt::format("({})", fmt::join(group.addresses, " "))});
  }
  return kOk;
}

int kick(Context& context) {
  std::string socket = "anvil";
  Options options(context, "a:");
  while (options.next()) socket = options.value();
  auto words = options.rest();
  if (words.empty()) context.usage();
  Filter filter = take_filter(context, words);
  std::set<std::string> kicked;
  for (const auto& one : logins(context, context.socket_path(socket), filter)) {
    if (one.pid == 0) continue;
    if (::kill(static_cast<pid_t>(one.pid), SIGTERM) == 0) {
      kicked.insert(one.user);
    } else if (errno != ESRCH) {
      context.error(fmt::format("kill({}, SIGTERM) failed: {}", one.pid,
                                strerror(errno)));
    }
  }
  if (kicked.empty()) {
    context.print("no users kicked\n");
    return kNotFound;
  }
  context.print("kicked connections from the following users:\n");
  for (const auto& user : kicked) context.print(user + " ");
  context.print("\n");
  return kOk;
}

std::string local_time(std::string_view seconds, bool with_date) {
  time_t at = parse_number<time_t>(seconds).value_or(0);
  tm local{};
  localtime_r(&at, &local);
  std::string time = fmt::format("{:02}:{:02}:{:02}", local.tm_hour,
                                 local.tm_min, local.tm_sec);
  if (!with_date) return time;
  return fmt::format("{:04}-{:02}-{:02} {}", local.tm_year + 1900,
                     local.tm_mon + 1, local.tm_mday, time);
}

int penalty(Context& context) {
  std::string socket = "anvil";
  Options options(context, "a:");
  while (options.next()) socket = options.value();
  Filter filter = take_filter(context, options.rest());
  filter.mask.clear();
  context.default_form(Printer::Form::Table);
  auto lines = ask_anvil(context, context.socket_path(socket), "PENALTY-DUMP");
  context.printer.columns({"IP", "penalty", "last_penalty", "last_update"});
  for (const auto& line : lines) {
    auto words = ipc::tab_split(line);
    if (words.size() < 4) continue;
    std::string address = ipc::tab_unescape(words[0]);
    if (!filter.matches("", address)) continue;
    context.printer.row({address, std::string(words[1]),
                         local_time(words[2], true),
                         local_time(words[3], false)});
  }
  return kOk;
}

}  // namespace

std::vector<Command> login_commands() {
  return {{"who", who}, {"kick", kick}, {"penalty", penalty}};
}

}  // namespace mail::doveadm
