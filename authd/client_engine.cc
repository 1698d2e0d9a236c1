#include "authd/client_engine.h"

#include <fmt/format.h>

#include "common/base/number.h"
#include "common/base/utf8.h"

namespace mail::authd {

std::optional<std::string> LineReader::next() {
  size_t end = buffer_.find('\n', begin_);
  if (end == std::string::npos) {
    buffer_.erase(0, begin_);
    begin_ = 0;
    return std::nullopt;
  }
  std::string out = buffer_.substr(begin_, end - begin_);
  begin_ = end + 1;
  return out;
}

std::string ClientEngine::make_greeting(const Facts& facts) {
  std::string out =
      fmt::format("VERSION\t{}\t{}\n", ipc::kAuthMajor, ipc::kAuthClientMinor);
  for (const auto& mechanism : facts.mechanisms) {
    out += mechanism.encode() + "\n";
  }
  out += fmt::format("SPID\t{}\nCUID\t{}\nCOOKIE\t{}\nDONE\n", facts.pid,
                     facts.connection, facts.cookie);
  return out;
}

std::optional<ClientEngine::Event> ClientEngine::next_event() {
  while (state_ != State::Broken) {
    auto line = lines_.next();
    if (!line) {
      if (!lines_.too_long()) return std::nullopt;
      return broken(fmt::format(
          "BUG: Authentication client {} sent us more than {} bytes", pid_,
          ipc::kAuthClientLine));
    }
    line_ = std::move(*line);
    bool first = state_ == State::Version;
    Event event = state_ == State::Ready ? take(line_) : take_handshake(line_);
    // VERSION alone is no event.
    if (first && state_ == State::Pid) continue;
    return event;
  }
  return std::nullopt;
}

ClientEngine::Event ClientEngine::take_handshake(std::string_view line) {
  auto pieces = ipc::tab_split(line);
  if (state_ == State::Version) {
    if (pieces[0] != "VERSION" || pieces.size() < 3) {
      return broken(fmt::format(
          "Authentication client sent invalid VERSION line: {}", line));
    }
    auto major = parse_number<unsigned>(pieces[1]);
    if (major != ipc::kAuthMajor) {
      return broken(
          "Authentication client not compatible with this server (mixed old "
          "and new binaries?)");
    }
    minor_ = parse_number<unsigned>(pieces[2]).value_or(0);
    state_ = State::Pid;
    return Connected{};
  }
  if (pieces[0] != "CPID" || pieces.size() < 2) {
    return broken(fmt::format(
        "BUG: Authentication client sent unknown handshake command: {}",
        printable(line)));
  }
  pid_ = parse_number<unsigned>(pieces[1]).value_or(0);
  if (pid_ == 0) {
    return broken("BUG: Authentication client said it's PID 0");
  }
  // Elsewhere than at a login socket the number says nothing.
  if (!login_) pid_ = 0;
  state_ = State::Ready;
  return Connected{pid_};
}

ClientEngine::Event ClientEngine::take(std::string_view line) {
  auto pieces = ipc::tab_split(line);
  auto number =
      pieces.size() > 1 ? parse_number<unsigned>(pieces[1]) : std::nullopt;
  if (pieces[0] == "AUTH" && pieces.size() > 1) {
    auto start = ipc::AuthStart::parse(pieces, minor_);
    if (start) return Start{std::move(*start)};
    return broken(fmt::format("BUG: Authentication client {} {}", pid_,
                              start.error().what));
  }
  if (pieces[0] == "CONT" && pieces.size() > 1) {
    if (!number || pieces.size() < 3) {
      return broken("BUG: Authentication client sent broken CONT request");
    }
    return Continue{*number, std::string(pieces[2])};
  }
  if (pieces[0] == "CANCEL" && pieces.size() > 1) {
    if (!number) {
      return broken("BUG: Authentication client sent broken CANCEL");
    }
    return Cancel{*number};
  }
  return broken(fmt::format(
      "BUG: Authentication client sent unknown command: {}", printable(line)));
}

ClientEngine::Event ClientEngine::broken(std::string why) {
  state_ = State::Broken;
  return Broken{std::move(why)};
}

std::string ClientEngine::shown_line(bool with_secrets) const {
  if (with_secrets) return line_;
  if (line_.starts_with("CONT\t")) return "CONT<hidden>";
  size_t response = line_.find("\tresp=");
  if (response == std::string::npos) return line_;
  return line_.substr(0, response) + "\tresp=<hidden>";
}

MasterEngine::MasterEngine(unsigned pid, bool userdb_only)
    : userdb_only_(userdb_only), lines_(ipc::kAuthMasterLine) {
  greeting_ = fmt::format("VERSION\t{}\t{}\nSPID\t{}\n", ipc::kAuthMajor,
                          ipc::kAuthMasterMinor, pid);
}

std::optional<MasterEngine::Event> MasterEngine::next_event() {
  while (!broken_) {
    auto line = lines_.next();
    if (!line) {
      if (!lines_.too_long()) return std::nullopt;
      return broken(fmt::format("BUG: Master sent us more than {} bytes",
                                ipc::kAuthMasterLine));
    }
    line_ = std::move(*line);
    auto event = take(line_);
    if (event) return event;
  }
  return std::nullopt;
}

std::optional<MasterEngine::Event> MasterEngine::take(std::string_view line) {
  auto pieces = ipc::tab_split(line);
  if (!ready_) {
    auto major = pieces.size() > 2 && pieces[0] == "VERSION"
                     ? parse_number<unsigned>(pieces[1])
                     : std::nullopt;
    if (major != ipc::kAuthMajor) {
      return broken(
          "Master not compatible with this server (mixed old and new "
          "binaries?)");
    }
    ready_ = true;
    return std::nullopt;
  }
  if (pieces[0] == "CPID") {
    return broken("Authentication client trying to connect to master socket");
  }
  unsigned id = 0;
  bool numbered = false;
  if (pieces.size() > 1) {
    auto number = parse_number<unsigned>(pieces[1]);
    numbered = number.has_value();
    id = number.value_or(0);
  }
  if (pieces[0] == "USER" || pieces[0] == "PASS") {
    if (!numbered || pieces.size() < 3) {
      return broken(fmt::format("BUG: Master sent broken {}", pieces[0]));
    }
    User out;
    out.id = id;
    out.passdb = pieces[0] == "PASS";
    out.user = ipc::tab_unescape(pieces[2]);
    for (size_t i = 3; i < pieces.size(); ++i) (void)out.info.parse(pieces[i]);
    if (out.info.service.empty()) {
      return broken(fmt::format("BUG: Master sent {} request without service",
                                pieces[0]));
    }
    return out;
  }
  if (pieces[0] == "LIST") {
    if (!numbered) return broken("BUG: Master sent broken LIST");
    List out;
    out.id = id;
    for (size_t i = 2; i < pieces.size(); ++i) {
      if (pieces[i].starts_with("user="))
        out.mask = ipc::tab_unescape(pieces[i].substr(5));
      else
        (void)out.info.parse(pieces[i]);
    }
    return out;
  }
  if (!userdb_only_ && pieces[0] == "CACHE-FLUSH") {
    if (!numbered) return broken("BUG: doveadm sent broken CACHE-FLUSH");
    CacheFlush out;
    out.id = id;
    for (size_t i = 2; i < pieces.size(); ++i) {
      out.users.push_back(ipc::tab_unescape(pieces[i]));
    }
    return out;
  }
  if (!userdb_only_ && pieces[0] == "REQUEST") return take_request(pieces);
  return broken(fmt::format("BUG: Unknown command in {} socket: {}",
                            userdb_only_ ? "userdb" : "master",
                            printable(line)));
}

std::optional<MasterEngine::Event> MasterEngine::take_request(
    const std::vector<std::string_view>& parts) {
  CookieRequest out;
  auto id = parts.size() > 4 ? parse_number<unsigned>(parts[1]) : std::nullopt;
  auto pid = id ? parse_number<unsigned>(parts[2]) : std::nullopt;
  auto auth_id = pid ? parse_number<unsigned>(parts[3]) : std::nullopt;
  if (!auth_id) return broken("BUG: Master sent broken REQUEST");
  out.id = *id;
  out.request.client_pid = *pid;
  out.request.auth_id = *auth_id;
  out.request.cookie = parts[4];
  for (size_t i = 5; i < parts.size(); ++i) {
    if (parts[i].starts_with("session_pid=")) {
      out.request.session_pid =
          parse_number<unsigned>(parts[i].substr(12)).value_or(0);
    } else if (parts[i] == "request_auth_token") {
      out.request.want_token = true;
    }
  }
  return out;
}

MasterEngine::Event MasterEngine::broken(std::string why) {
  broken_ = true;
  return Broken{std::move(why)};
}

}  // namespace mail::authd
