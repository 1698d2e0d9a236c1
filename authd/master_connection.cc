#include "authd/master_connection.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/client_connection.h"
#include "authd/log_lines.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/net/address.h"
#include "common/process/ids.h"

namespace mail::authd {

using namespace std::chrono_literals;

namespace {

constexpr mode_t kOpenMode = 0666;

std::string milliseconds_since(Instant at) {
  auto span =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - at);
  return fmt::format("{} msecs ago", span.count());
}

}  // namespace

MasterConnection::MasterConnection(Server& server, net::Stream stream,
                                   bool userdb_only)
    : server_(server),
      stream_(std::move(stream)),
      engine_(static_cast<unsigned>(getpid()), userdb_only) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  bool known =
      getsockopt(stream_.fd(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  if (known) {
    peer_pid_ = peer.pid;
    peer_uid_ = peer.uid;
  }
  socket_path_ = net::Endpoint::local_of(stream_.fd()).path;
  struct stat info;
  if (socket_path_.empty() || stat(socket_path_.c_str(), &info) != 0) return;
  // A socket that everybody may open gives everybody his own record only.
  restricted_ = (info.st_mode & 0777) == kOpenMode && known && peer.uid != 0 &&
                peer.uid != info.st_uid && peer.gid != info.st_gid;
}

net::Task<> MasterConnection::serve() {
  send(engine_.greeting());
  while (!closing_ && !writer_.broken()) {
    auto event = engine_.next_event();
    if (event) {
      if (!take(*event)) break;
      continue;
    }
    auto got = co_await stream_.fill(net::Deadline::never());
    if (!got || *got == 0) break;
    engine_.receive(stream_.input());
    stream_.consume(stream_.input().size());
  }
  tasks_.clear();
}

void MasterConnection::complain(std::string_view why) {
  std::string text = fmt::format("auth-master client: {} (created {}", why,
                                 milliseconds_since(created_));
  if (handshake_ != Instant{}) {
    text += ", handshake " + milliseconds_since(handshake_);
  }
  log_lines::error(text + ")");
}

bool MasterConnection::take(MasterEngine::Event& event) {
  if (handshake_ == Instant{} && engine_.handshake_done()) {
    handshake_ = Clock::now();
  }
  if (server_.settings().debug && engine_.handshake_done()) {
    log_lines::debug("master in: " + engine_.line());
  }
  if (auto* broken = std::get_if<MasterEngine::Broken>(&event)) {
    complain(broken->why);
    return false;
  }
  if (auto* wanted = std::get_if<MasterEngine::User>(&event)) {
    tasks_.start(wanted->passdb ? pass(std::move(*wanted))
                                : user(std::move(*wanted)));
  } else if (auto* all = std::get_if<MasterEngine::List>(&event)) {
    tasks_.start(list(std::move(*all)));
  } else if (auto* cookie = std::get_if<MasterEngine::CookieRequest>(&event)) {
    tasks_.start(request(std::move(*cookie)));
  } else if (auto* flush = std::get_if<MasterEngine::CacheFlush>(&event)) {
    send(fmt::format("OK\t{}\t{}\n", flush->id,
                     server_.flush_cache(flush->users)));
  }
  return true;
}

bool MasterConnection::may_ask_all(std::string_view what) {
  if (!restricted_) return true;
  auto account = process::find_account(peer_uid_);
  complain(
      fmt::format("client doesn't have {} permissions: {} mode=0666, but "
                  "not owned by UID {}({})",
                  what, socket_path_, peer_uid_,
                  account && *account ? (*account)->name : "?"));
  return false;
}

bool MasterConnection::may_see(const Request& request) {
  if (!restricted_) return true;
  std::string_view uid = request.userdb.get("uid");
  if (parse_number<uid_t>(uid) == peer_uid_) return true;
  log_lines::error(request.line(
      "userdb",
      fmt::format("client doesn't have lookup permissions for this user: "
                  "userdb uid ({}) doesn't match peer uid ({}) (to bypass this "
                  "check, set: service auth {{ unix_listener {} {{ mode=0777 "
                  "}} }})",
                  uid, peer_uid_, socket_path_)));
  return false;
}

net::Task<> MasterConnection::user(MasterEngine::User wanted) {
  auto auth = co_await server_.auth_for(wanted.info.service);
  if (!auth) {
    answer("userdb out", fmt::format("FAIL\t{}", wanted.id));
    co_return;
  }
  Request request;
  request.settings = (*auth)->settings();
  request.info = std::move(wanted.info);
  auto named = request.set_user(wanted.user);
  if (!named) {
    log_lines::info(named.error().what);
    answer("userdb out", fmt::format("NOTFOUND\t{}", wanted.id));
    co_return;
  }
  UserResult result = co_await (*auth)->look_up_user(request, false);
  if (result == UserResult::Ok && !may_see(request)) {
    result = UserResult::InternalFailure;
  }
  if (result == UserResult::UnknownUser) {
    answer("userdb out", fmt::format("NOTFOUND\t{}", wanted.id));
    co_return;
  }
  if (result != UserResult::Ok) {
    std::string reason(request.userdb.get("reason"));
    std::string line = fmt::format("FAIL\t{}", wanted.id);
    if (!reason.empty()) line += "\treason=" + ipc::tab_escape(reason);
    answer("userdb out", std::move(line));
    co_return;
  }
  std::string fields = request.userdb.encode();
  answer("userdb out",
         fmt::format("USER\t{}\t{}{}", wanted.id, ipc::tab_escape(request.user),
                     fields.empty() ? "\t" : fields));
}

net::Task<> MasterConnection::pass(MasterEngine::User wanted) {
  auto auth = co_await server_.auth_for(wanted.info.service);
  bool allowed = may_ask_all("PASS lookup");
  if (!auth || !allowed) {
    answer("passdb out", fmt::format("FAIL\t{}", wanted.id));
    co_return;
  }
  Request request;
  request.settings = (*auth)->settings();
  request.info = std::move(wanted.info);
  auto named = request.set_user(wanted.user);
  if (!named) {
    log_lines::info(named.error().what);
    answer("passdb out", fmt::format("NOTFOUND\t{}", wanted.id));
    co_return;
  }
  PassResult result = co_await (*auth)->look_up_fields(request);
  std::string line;
  switch (result) {
    case PassResult::Ok:
      line = fmt::format("PASS\t{}\tuser={}{}", wanted.id,
                         ipc::tab_escape(request.user), request.extra.encode());
      break;
    case PassResult::NoScheme:
      line = fmt::format(
          "FAIL\t{}\treason=Configured passdbs don't support credentials "
          "lookups",
          wanted.id);
      break;
    case PassResult::InternalFailure:
      line = fmt::format("FAIL\t{}", wanted.id);
      break;
    default:
      line = fmt::format("NOTFOUND\t{}", wanted.id);
  }
  answer("passdb out", std::move(line));
}

net::Task<> MasterConnection::list(MasterEngine::List wanted) {
  auto auth = co_await server_.auth_for(wanted.info.service);
  bool allowed = may_ask_all("iterate");
  Calls::Listed all;
  if (auth && allowed) {
    Request request;
    request.settings = (*auth)->settings();
    request.info = std::move(wanted.info);
    request.user = wanted.mask;
    request.user_known = true;
    all = co_await (*auth)->list(request);
  }
  std::string out;
  for (const auto& name : all.users) {
    out += fmt::format("LIST\t{}\t{}\n", wanted.id, ipc::tab_escape(name));
  }
  out += fmt::format("DONE\t{}\t{}\n", wanted.id, all.complete ? "" : "fail");
  send(std::move(out));
}

std::string MasterConnection::session_fields(
    const Request& request, const ipc::AuthCookieRequest& cookie) const {
  std::string out;
  if (!request.master_user.empty() && !request.userdb.has("master_user")) {
    out += "\tmaster_user=" + ipc::tab_escape(request.master_user);
  }
  if (!request.mechanism.empty()) {
    out += "\tauth_mech=" + ipc::tab_escape(request.mechanism);
  }
  if (request.extra.has("anonymous")) out += "\tanonymous";
  if (cookie.want_token && cookie.session_pid != 0) {
    out += "\tauth_token=" + server_.token(request.info.service,
                                           cookie.session_pid, request.user,
                                           request.info.session);
  }
  if (!request.master_user.empty()) {
    out += "\tauth_user=" + ipc::tab_escape(request.master_user);
  }
  return out;
}

net::Task<> MasterConnection::request(MasterEngine::CookieRequest wanted) {
  constexpr std::string_view kLabel = "master userdb out";
  const ipc::AuthCookieRequest& cookie = wanted.request;
  std::string failed = fmt::format("FAIL\t{}", wanted.id);
  auto client = server_.clients().find(cookie.client_pid);
  if (client == server_.clients().end()) {
    complain(fmt::format("Master requested auth for nonexistent client {}",
                         cookie.client_pid));
    answer(kLabel, failed);
    co_return;
  }
  auto known = client->second->claim(cookie.auth_id, cookie.cookie);
  if (!known) {
    complain(fmt::format(
        "Master requested auth for nonexistent request {} of client {}",
        cookie.auth_id, cookie.client_pid));
    answer(kLabel, failed);
    co_return;
  }
  Request& request = *known;
  if (cookie.session_pid != 0 && peer_pid_ != 0 &&
      cookie.session_pid != static_cast<uint32_t>(peer_pid_)) {
    complain(fmt::format(
        "Session pid {} provided by master for request {}.{} did not match "
        "peer credentials (pid={}, uid={})",
        cookie.session_pid, cookie.client_pid, cookie.auth_id, peer_pid_,
        peer_uid_));
    answer(kLabel, failed);
    co_return;
  }
  auto auth = co_await server_.auth_for(request.info.service);
  if (!auth) {
    answer(kLabel, failed);
    co_return;
  }
  UserResult result = co_await (*auth)->look_up_user(request, true);
  if (result == UserResult::UnknownUser) {
    const auto& databases = request.settings->userdbs;
    std::string_view name = databases.empty()
                                ? std::string_view("userdb")
                                : std::string_view(databases.back().driver);
    log_lines::error(request.line(
        name, databases.size() == 1 ? "user not found from userdb"
                                    : "user not found from any userdbs"));
    answer(kLabel, fmt::format("NOTFOUND\t{}", wanted.id));
    co_return;
  }
  if (result != UserResult::Ok) {
    answer(kLabel, failed);
    co_return;
  }
  std::string fields = request.userdb.encode();
  if (fields == "\t") fields.clear();
  answer(kLabel, fmt::format("USER\t{}\t{}{}{}", wanted.id,
                             ipc::tab_escape(request.user), fields,
                             session_fields(request, cookie)));
}

void MasterConnection::answer(std::string_view label, std::string line) {
  if (server_.settings().debug) {
    log_lines::debug(fmt::format("{}: {}", label, line));
  }
  send(line + "\n");
}

void MasterConnection::send(std::string line) { writer_.send(line); }

}  // namespace mail::authd
