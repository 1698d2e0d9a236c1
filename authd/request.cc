#include "authd/request.h"

#include <fmt/format.h>

#include "authd/log_lines.h"
#include "common/base/ascii.h"
#include "common/base/utf8.h"

namespace mail::authd {

namespace {

constexpr size_t kShownLength = 64;

std::string shown(std::string_view text) {
  return printable(text.substr(0, kShownLength));
}

std::string_view local_part(std::string_view name) {
  return name.substr(0, name.find('@'));
}
std::string_view domain_part(std::string_view name) {
  size_t at = name.find('@');
  return at == std::string_view::npos ? std::string_view()
                                      : name.substr(at + 1);
}
std::string_view last_domain(std::string_view name) {
  size_t at = name.rfind('@');
  return at == std::string_view::npos ? std::string_view()
                                      : name.substr(at + 1);
}

Result<std::string> check_characters(std::string_view name,
                                     const Settings& settings) {
  std::string out;
  for (char c : name) {
    // "#@/@": each pair says from which to which.
    const std::string& map = settings.username_translation;
    for (size_t i = 0; i + 1 < map.size(); i += 2) {
      if (map[i] == c) {
        c = map[i + 1];
        break;
      }
    }
    if (!settings.username_chars.empty() &&
        settings.username_chars.find(c) == std::string::npos) {
      return fail(Fault::Permanent,
                  fmt::format("Username character disallowed by "
                              "auth_username_chars: 0x{:02x} (username: {})",
                              static_cast<unsigned char>(c), shown(name)));
    }
    out += c;
  }
  return out;
}

}  // namespace

std::string Request::subject() const {
  std::string out = user_known ? shown(user) : "?";
  if (!info.remote_ip.empty()) out += "," + info.remote_ip;
  if (!login_user.empty() && master_user.empty()) out += ",master";
  if (!info.session.empty()) out += ",<" + shown(info.session) + ">";
  return out;
}

std::string Request::line(std::string_view who, std::string_view text) const {
  return fmt::format("{}({}): {}", who, subject(), text);
}

std::string Request::names(std::string_view between) const {
  std::string out;
  if (refused_user) {
    std::string shown_user = ipc::tab_escape(*refused_user);
    return fmt::format("\tuser={}{}\toriginal_user={}", shown_user, between,
                       shown_user);
  }
  if (user_known) out = "\tuser=" + ipc::tab_escape(user);
  out += between;
  if (user_known && (!original || *original != user)) {
    out += "\toriginal_user=" + ipc::tab_escape(original.value_or(""));
  }
  if (!master_user.empty()) {
    out += "\tauth_user=" + ipc::tab_escape(master_user);
  }
  return out;
}

Result<> Request::set_user(std::string_view name) {
  std::string wanted(name);
  std::string target;
  const std::string& separator = settings->master_separator;
  size_t at = separator.empty() ? std::string::npos : wanted.find(separator[0]);
  if (at != std::string::npos && at > 0) {  // "user*master"
    target = wanted.substr(0, at);
    wanted.erase(0, at + 1);
  }
  if (wanted.empty()) {
    refused_user = "";
    return fail(Fault::Permanent, "Empty username");
  }
  if (!settings->default_realm.empty() &&
      wanted.find('@') == std::string::npos) {
    wanted += "@" + settings->default_realm;
  }
  original = wanted;
  auto checked = check_characters(wanted, *settings);
  if (!checked) {
    refused_user = wanted;
    return fail(checked.error());
  }
  translated = *checked;
  user_known = true;
  user = translated;
  if (!settings->username_format.empty()) {
    user = expand(settings->username_format, *this);
  }
  if (user.empty()) return fail(Fault::Permanent, "Empty username");
  return set_login_user(target);
}

Result<> Request::set_login_user(std::string_view name) {
  if (name.empty() || name == user) return {};
  bool has_master = false;
  for (const auto& passdb : settings->passdbs) {
    has_master = has_master || passdb.master;
  }
  if (!has_master) {
    return fail(Fault::Permanent,
                "Master user login attempted without master passdbs");
  }
  Request target;  // the same cleaning for its name
  target.info = info;
  auto plain = std::make_shared<Settings>(*settings);
  plain->master_separator.clear();
  target.settings = plain;
  TRY(target.set_user(name));
  login_user = target.user;
  return {};
}

void Request::become_login_user() {
  master_user = user;
  user = std::exchange(login_user, "");
  translated = user;
}

config::dovecot::Variables variables_of(const Request& request,
                                        std::vector<std::string>& scratch) {
  scratch.clear();
  scratch.reserve(8);
  auto port = [&](uint16_t value) -> std::string_view {
    if (value == 0) return {};
    return scratch.emplace_back(fmt::format("{}", value));
  };
  const ipc::AuthInfo& info = request.info;
  auto or_plain = [](const std::string& real, const std::string& plain) {
    return std::string_view(real.empty() ? plain : real);
  };
  std::string_view original;
  if (request.original) original = *request.original;
  std::string_view user = request.user, login = request.login_user;
  std::string_view auth = request.master_user.empty()
                              ? user
                              : std::string_view(request.master_user);
  std::string_view lport = port(info.local_port),
                   rport = port(info.remote_port);
  std::string_view real_lport =
      info.real_local_port ? port(info.real_local_port) : lport;
  std::string_view real_rport =
      info.real_remote_port ? port(info.real_remote_port) : rport;
  config::dovecot::Variables out;
  out.list = {
      {'u', "user", user},
      {'n', "username", local_part(user)},
      {'d', "domain", domain_part(user)},
      {'s', "service", info.service},
      {'h', "home", request.userdb.get("home")},
      {'l', "lip", info.local_ip},
      {'r', "rip", info.remote_ip},
      {'w', "password", request.password},
      {'m', "mech", request.mechanism},
      {'c', "secured", info.secured ? "secured" : ""},
      {'a', "lport", lport},
      {'b', "rport", rport},
      {'k', "cert", info.valid_client_cert ? "valid" : ""},
      {0, "login_user", login},
      {0, "login_username", local_part(login)},
      {0, "login_domain", domain_part(login)},
      {0, "session", info.session},
      {0, "real_lip", or_plain(info.real_local_ip, info.local_ip)},
      {0, "real_rip", or_plain(info.real_remote_ip, info.remote_ip)},
      {0, "real_lport", real_lport},
      {0, "real_rport", real_rport},
      {0, "domain_first", domain_part(user)},
      {0, "domain_last", last_domain(user)},
      {0, "master_user", request.master_user},
      {0, "session_pid", ""},
      {0, "orig_user", original},
      {0, "orig_username", local_part(original)},
      {0, "orig_domain", domain_part(original)},
      {0, "auth_user", auth},
      {0, "auth_username", local_part(auth)},
      {0, "auth_domain", domain_part(auth)},
      {0, "local_name", info.local_name},
      {0, "client_id", info.client_id},
  };
  out.resolve = [&request](
                    std::string_view function,
                    std::string_view argument) -> std::optional<std::string> {
    if (function == "passdb") return std::string(request.extra.get(argument));
    if (function == "userdb") return std::string(request.userdb.get(argument));
    return std::nullopt;
  };
  return out;
}

std::string expand_escaped(std::string_view text, const Request& request,
                           std::string (*escape)(std::string_view)) {
  if (text.find('%') == std::string_view::npos) return std::string(text);
  std::vector<std::string> scratch;
  auto variables = variables_of(request, scratch);
  if (escape) variables.escape = escape;
  auto out = config::dovecot::expand_variables(text, variables);
  if (!out.problem.empty()) {
    log_lines::error(fmt::format("Failed to expand {}: {}", text, out.problem));
  }
  return out.text;
}

std::string expand(std::string_view text, const Request& request) {
  return expand_escaped(text, request, nullptr);
}

std::vector<std::pair<std::string, std::string>> expand_fields(
    std::string_view text, const Request& request) {
  std::vector<std::pair<std::string, std::string>> out;
  for (std::string_view piece : split(text, " \t")) {
    size_t equals = piece.find('=');
    std::string_view value = equals == std::string_view::npos
                                 ? std::string_view("yes")
                                 : piece.substr(equals + 1);
    out.emplace_back(piece.substr(0, equals), expand(value, request));
  }
  return out;
}

}  // namespace mail::authd
