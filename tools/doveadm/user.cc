// doveadm user: what the user databases say.
#include <fmt/format.h>
#include <unistd.h>

#include "common/auth/master_client.h"
#include "common/base/file.h"
#include "common/config/dovecot/expand_variables.h"
#include "common/config/dovecot/setting_list.h"
#include "tools/doveadm/auth_info.h"
#include "tools/doveadm/context.h"

namespace mail::doveadm {

namespace cf = config::dovecot;
namespace setting = config::dovecot::setting;

namespace {

struct Wanted {
  std::string socket, field, format;
  bool userdb_only = false;
  ipc::AuthInfo info;
};

/// The value of a field after the settings have filled what is missing.
cf::Variables variables_of(const ipc::UserAnswer& user, std::string_view mail,
                           std::vector<std::string>& values) {
  size_t at = user.user.find('@');
  values = {user.user, user.user.substr(0, at),
            at == std::string::npos ? "" : user.user.substr(at + 1),
            std::string(user.fields.get("home")), std::string(mail)};
  cf::Variables out;
  out.list = {
      {'u', "user", values[0]},           {'n', "username", values[1]},
      {'d', "domain", values[2]},         {'h', "home", values[3]},
      {'s', "service", "doveadm"},        {'i', "uid", user.fields.get("uid")},
      {0, "gid", user.fields.get("gid")}, {0, "mail", values[4]}};
  out.resolve = [&user](
                    std::string_view function,
                    std::string_view argument) -> std::optional<std::string> {
    if (function != "userdb") return std::nullopt;
    return std::string(user.fields.get(argument));
  };
  return out;
}

std::vector<std::pair<std::string, std::string>> fields_of(
    Context& context, const ipc::UserAnswer& user) {
  const auto& settings = context.settings();
  std::vector<std::string> scratch;
  auto expand = [&](const std::string& text) {
    return cf::expand_variables(text, variables_of(user, "", scratch)).text;
  };
  auto field = [&](std::string_view name, const std::string& otherwise) {
    const auto* known = user.fields.find(name);
    return known ? known->value.value_or("") : expand(otherwise);
  };
  std::vector<std::pair<std::string, std::string>> out = {
      {"uid", field("uid", settings.get(setting::mail_uid))},
      {"gid", field("gid", settings.get(setting::mail_gid))},
      {"home", field("home", settings.get(setting::mail_home))},
      {"mail", field("mail", settings.get(setting::mail_location))}};
  for (const auto& one : user.fields.all()) {
    if (one.name == "uid" || one.name == "gid" || one.name == "home" ||
        one.name == "mail") {
      continue;
    }
    out.emplace_back(one.name, one.value.value_or(""));
  }
  return out;
}

void show_userdb(Context& context, const ipc::UserAnswer& user) {
  std::string out =
      fmt::format("userdb: {}\n  {:<10}: {}\n", user.user, "user", user.user);
  for (const auto& one : user.fields.all()) {
    out += fmt::format("  {:<10}: {}\n", one.name, one.value.value_or(""));
  }
  context.print(out);
}

void show(Context& context, const Wanted& wanted, const ipc::UserAnswer& user) {
  if (wanted.userdb_only) {
    show_userdb(context, user);
    return;
  }
  auto fields = fields_of(context, user);
  if (!wanted.field.empty()) {
    for (const auto& [name, value] : fields) {
      if (name == wanted.field) context.print(value + "\n");
    }
    return;
  }
  if (!wanted.format.empty()) {
    std::vector<std::string> scratch;
    auto text = cf::expand_variables_strictly(
        wanted.format, variables_of(user, fields[3].second, scratch));
    if (!text) context.fatal("Failed to expand: " + text.error().what);
    context.print(*text + "\n");
    return;
  }
  for (const auto& [name, value] : fields) context.printer.row({name, value});
}

/// The exit status of one user's lookup.
int look_up(Context& context, const Wanted& wanted, auth::MasterClient& client,
            const std::string& name) {
  auto answer = context.loop().run(client.user(name, wanted.info));
  if (!answer) {
    context.flush();
    (void)write_all(
        STDERR_FILENO,
        fmt::format("doveadm({})<{}><>: Error: auth-master: userdb lookup({}): "
                    "{}\n",
                    name, getpid(), name, answer.error().what));
    return kFailed;
  }
  if (answer->kind == ipc::UserAnswer::Kind::NotFound) {
    context.print(
        fmt::format("\nuserdb lookup: user {} doesn't exist\n", name));
    return kNoUser;
  }
  if (answer->kind == ipc::UserAnswer::Kind::Fail) {
    context.flush();
    (void)write_all(
        STDERR_FILENO,
        fmt::format("doveadm({})<{}><>: Error: auth-master: userdb lookup({}): "
                    "Auth USER lookup failed\n",
                    name, getpid(), name));
    return kFailed;
  }
  show(context, wanted, *answer);
  return kOk;
}

int list(Context& context, const Wanted& wanted, auth::MasterClient& client,
         const std::string& mask) {
  auto all = context.loop().run(client.list(mask, wanted.info));
  if (!all || !all->complete) {
    if (!all) context.error(all.error().what);
    context.error("user listing failed");
    return kFailed;
  }
  for (const auto& name : all->users) {
    if (matches_mask(mask, name)) context.print(name + "\n");
  }
  return kOk;
}

int user(Context& context) {
  Wanted wanted;
  wanted.info.service = "doveadm";
  Options options(context, "a:e:f:ux:");
  while (int letter = options.next()) {
    if (letter == 'a') wanted.socket = options.value();
    if (letter == 'e') wanted.format = options.value();
    if (letter == 'f') wanted.field = options.value();
    if (letter == 'u') wanted.userdb_only = true;
    if (letter == 'x') take_info(wanted.info, options.value());
  }
  auto masks = options.rest();
  if (masks.empty()) context.usage();
  context.default_form(Printer::Form::Tab);
  bool rows = wanted.field.empty() && wanted.format.empty() &&
              !wanted.userdb_only && !is_mask(masks[0]);
  if (rows) context.printer.columns({"field", "value"});
  if (wanted.socket.empty()) {
    wanted.socket = context.settings().get(setting::auth_socket_path);
  }
  context.loop();
  net::TaskSet tasks;
  auth::MasterClient client(context.socket_path(wanted.socket), tasks);
  int status = kOk;
  for (size_t i = 0; i < masks.size(); ++i) {
    bool mask = is_mask(masks[i]);
    if (i > 0 && !mask) context.print("\n");
    int one = mask ? list(context, wanted, client, masks[i])
                   : look_up(context, wanted, client, masks[i]);
    if (one != kOk) status = one;
  }
  tasks.clear();
  return status;
}

}  // namespace

std::vector<Command> user_commands() { return {{"user", user}}; }

}  // namespace mail::doveadm
