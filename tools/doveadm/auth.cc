// doveadm auth: asks auth as a client, a login process and a mail process do.
#include <fmt/format.h>
#include <unistd.h>

#include "common/auth/dovecot_client.h"
#include "common/auth/master_client.h"
#include "common/base/base64.h"
#include "common/config/dovecot/setting_list.h"
#include "common/crypto/secret.h"
#include "tools/doveadm/auth_info.h"
#include "tools/doveadm/context.h"

namespace mail::doveadm {

namespace setting = config::dovecot::setting;

namespace {

struct Credentials {
  std::string socket, master_socket, master_user, user, password;
  ipc::AuthInfo info;
};

Credentials take_login(Context& context, const char* letters) {
  Credentials out;
  out.info.service = "doveadm";
  Options options(context, letters);
  while (int letter = options.next()) {
    if (letter == 'a') out.socket = options.value();
    if (letter == 'm') out.master_socket = options.value();
    if (letter == 'M') out.master_user = options.value();
    if (letter == 'x') take_info(out.info, options.value());
  }
  auto rest = options.rest();
  if (rest.empty() || rest.size() > 2) context.usage();
  out.user = rest[0];
  out.password =
      rest.size() > 1 ? rest[1] : ask_password(context, "Password: ");
  return out;
}

net::Task<Result<auth::DovecotClient::Started>> attempt(
    auth::DovecotClient& client, const Credentials& login) {
  auth::Request request;
  static_cast<ipc::AuthInfo&>(request) = login.info;
  request.mechanism = "PLAIN";
  std::string proof;
  if (login.master_user.empty()) {
    proof = '\0' + login.user;
  } else {
    proof = login.user + '\0' + login.master_user;
  }
  proof += '\0' + login.password;
  request.initial = base64_encode(proof);
  crypto::wipe(proof);
  auto started = co_await client.start(std::move(request));
  co_return started;
}

/// Prints how it went; whether it succeeded.
bool show(Context& context, const Credentials& login,
          const auth::Answer& answer) {
  bool ok = answer.kind == auth::Answer::Kind::Ok;
  std::string out = fmt::format("passdb: {} auth {}\nextra fields:\n",
                                login.user, ok ? "succeeded" : "failed");
  for (const auto& word : answer.words) out += fmt::format("  {}\n", word);
  context.print(out);
  return ok;
}

std::string unreachable(Context& context, const std::string& path,
                        const Error& error) {
  (void)context;
  return fmt::format("auth-client: conn unix:{}: {}", path, error.what);
}

int test(Context& context) {
  Credentials login = take_login(context, "a:M:x:");
  std::string path =
      context.socket_path(login.socket.empty() ? "auth-client" : login.socket);
  context.loop();
  net::TaskSet tasks;
  auth::DovecotClient client(path, tasks);
  auto started = context.loop().run(attempt(client, login));
  tasks.clear();
  if (!started) {
    context.error(unreachable(context, path, started.error()));
    return kNoPermission;
  }
  return show(context, login, started->answer) ? kOk : kNoPermission;
}

int log_in(Context& context) {
  Credentials login = take_login(context, "a:m:M:x:");
  std::string path =
      context.socket_path(login.socket.empty() ? "login/login" : login.socket);
  context.loop();
  net::TaskSet tasks;
  auth::DovecotClient client(path, tasks);
  auto started = context.loop().run(attempt(client, login));
  if (!started) {
    tasks.clear();
    context.error(unreachable(context, path, started.error()));
    return kNoPermission;
  }
  if (!show(context, login, started->answer)) {
    tasks.clear();
    return kNoPermission;
  }
  auth::MasterClient master(
      context.socket_path(login.master_socket.empty() ? "auth-master"
                                                      : login.master_socket),
      tasks);
  ipc::AuthCookieRequest cookie;
  cookie.client_pid = static_cast<uint32_t>(getpid());
  cookie.auth_id = started->id;
  cookie.cookie = client.cookie();
  cookie.session_pid = cookie.client_pid;
  auto user = context.loop().run(master.request(cookie));
  tasks.clear();
  if (!user || user->kind != ipc::UserAnswer::Kind::Found) {
    context.error(fmt::format(
        "userdb lookup failed: {}",
        user ? std::string("Internal error occurred. Refer to server log for "
                           "more information.")
             : user.error().what));
    return kNoPermission;
  }
  std::string out = "userdb extra fields:\n";
  for (const auto& word : user->words) out += fmt::format("  {}\n", word);
  context.print(out);
  return kOk;
}

int look_up_one(Context& context, auth::MasterClient& client,
                const std::string& name, const std::string& field,
                const ipc::AuthInfo& info) {
  auto answer = context.loop().run(client.pass(name, info));
  if (!answer) {
    context.error(fmt::format("auth-master: passdb lookup({}): {}", name,
                              answer.error().what));
    return kFailed;
  }
  if (answer->kind == ipc::UserAnswer::Kind::NotFound) {
    context.print(fmt::format("passdb lookup: user {} doesn't exist\n", name));
    return kNoUser;
  }
  if (answer->kind == ipc::UserAnswer::Kind::Fail) {
    std::string_view reason = answer->fields.get("reason");
    context.error(fmt::format("passdb lookup failed for {}: {}", name,
                              reason.empty() ? "Internal error" : reason));
    return kFailed;
  }
  if (!field.empty()) {
    if (answer->fields.has(field)) {
      context.print(fmt::format("{}\n", answer->fields.get(field)));
    }
    return kOk;
  }
  std::string out = fmt::format("passdb: {}\n", name);
  for (const auto& word : answer->words) {
    size_t equals = word.find('=');
    if (equals == std::string::npos) {
      out += fmt::format("  {:<10}\n", word);
    } else {
      out += fmt::format("  {:<10}: {}\n", word.substr(0, equals),
                         word.substr(equals + 1));
    }
  }
  context.print(out);
  return kOk;
}

int look_up(Context& context) {
  std::string socket, field;
  ipc::AuthInfo info;
  info.service = "doveadm";
  Options options(context, "a:f:x:");
  while (int letter = options.next()) {
    if (letter == 'a') socket = options.value();
    if (letter == 'f') field = options.value();
    if (letter == 'x') take_info(info, options.value());
  }
  auto users = options.rest();
  if (users.empty()) context.usage();
  if (socket.empty()) {
    socket = context.settings().get(setting::auth_socket_path);
  }
  context.loop();
  net::TaskSet tasks;
  auth::MasterClient client(context.socket_path(socket), tasks);
  int status = kOk;
  for (size_t i = 0; i < users.size(); ++i) {
    if (i > 0) context.print("\n");
    int one = look_up_one(context, client, users[i], field, info);
    if (one != kOk) status = one;
  }
  tasks.clear();
  return status;
}

int flush_cache(Context& context) {
  std::string socket = "auth-master";
  Options options(context, "a:");
  while (options.next()) socket = options.value();
  context.loop();
  net::TaskSet tasks;
  auth::MasterClient client(context.socket_path(socket), tasks);
  auto count = context.loop().run(client.flush_cache(options.rest()));
  tasks.clear();
  if (!count) {
    context.error(
        fmt::format("auth-master: auth cache flush: {}", count.error().what));
    return kFailed;
  }
  context.print(fmt::format("{} cache entries flushed\n", *count));
  return kOk;
}

}  // namespace

std::vector<Command> auth_commands() {
  return {{"auth test", test},
          {"auth login", log_in},
          {"auth lookup", look_up},
          {"auth cache flush", flush_cache}};
}

}  // namespace mail::doveadm
