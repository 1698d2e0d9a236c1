// Settings of Dovecot 1.x that belong to services and their listeners now.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/number.h"
#include "common/config/dovecot/parser.h"

namespace mail::config::dovecot {

namespace {

/// How an old value is said today.
enum class As { Text, Number, Megabytes, Count, Chroot };

struct Moved {
  std::string_view before;
  std::string_view of;  ///< "login", "mail", "auth": whose service it is
  std::string_view now;
  As as;
};
constexpr Moved kMoved[] = {
    {"login_user", "login", "user", As::Text},
    {"login_chroot", "login", "chroot", As::Chroot},
    {"login_executable", "login", "executable", As::Text},
    {"login_process_size", "login", "vsz_limit", As::Megabytes},
    {"login_process_per_connection", "login", "service_count", As::Count},
    {"login_processes_count", "login", "process_min_avail", As::Number},
    {"login_max_processes_count", "login", "process_limit", As::Number},
    {"login_max_connections", "login", "client_limit", As::Number},
    {"max_mail_processes", "mail", "process_limit", As::Number},
    {"mail_executable", "mail", "executable", As::Text},
    {"mail_process_size", "mail", "vsz_limit", As::Megabytes},
    {"mail_drop_priv_before_exec", "mail", "drop_priv_before_exec", As::Text},
    {"auth_executable", "auth", "executable", As::Text},
    {"auth_process_size", "auth", "vsz_limit", As::Megabytes},
    {"auth_user", "auth", "user", As::Text},
    {"auth_chroot", "auth", "chroot", As::Text}};

bool is_number(std::string_view text) {
  return parse_number<unsigned>(text).has_value();
}

/// nullopt: what is no number is let go, as by the original.
std::optional<std::string> reworded(As as, const std::string& value) {
  switch (as) {
    case As::Text:
      return value;
    case As::Number:
      if (!is_number(value)) return std::nullopt;
      return value;
    case As::Megabytes:
      if (!is_number(value)) return std::nullopt;
      return value + " M";
    case As::Count:
      return value == "no" ? "0" : "1";
    case As::Chroot:
      return value == "no" ? "" : "login";
  }
  return std::nullopt;
}

/// imap and pop3, or the one whose protocol {} is open.
std::vector<std::string> protocols(const Parser& parser) {
  const std::string& here = parser.protocol_here();
  if (here.empty()) return {"imap", "pop3"};
  if (here == "imap" || here == "pop3") return {here};
  return {};
}

void set_service(Parser& parser, const std::string& service,
                 std::string_view key, const std::string& value) {
  std::string path = parser.ensure_member("service", service);
  parser.set_global(fmt::format("{}/{}", path, key), value);
}

void set_listener(Parser& parser, const std::string& protocol, bool tls,
                  std::string_view key, std::string_view value) {
  std::string service = parser.ensure_member("service", protocol + "-login");
  std::string path = parser.ensure_member(service + "/inet_listener",
                                          protocol + (tls ? "s" : ""));
  parser.set_global(fmt::format("{}/{}", path, key), value);
}

/// Takes ":143" off "*:143" or "[::]:143".
std::optional<std::string> take_port(std::string& address) {
  size_t colon = address.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  size_t first = address.find_last_of(" ,", colon);
  first = first == std::string::npos ? 0 : first + 1;
  bool bare = address.find(':', first) != colon;
  if (bare && (colon == 0 || address[colon - 1] != ']')) return std::nullopt;
  std::string port = address.substr(colon + 1);
  if (!is_number(port)) return std::nullopt;
  address.erase(colon);
  return port;
}

bool read_listen(Parser& parser, const Statement& statement) {
  bool tls = statement.key == "ssl_listen";
  auto found = protocols(parser);
  Statement now = statement;
  auto port = take_port(now.value);
  bool at_root = parser.protocol_here().empty() && !tls;
  if (found.empty() || (at_root && !port)) return false;
  if (port) {
    parser.warn_obsolete(
        fmt::format("{}=..:port has been replaced by service {{ inet_listener "
                    "{{ port }} }}",
                    statement.key));
    for (const auto& name : found) {
      set_listener(parser, name, tls, "port", *port);
    }
  }
  if (at_root) {
    parser.set_here(now.key, now);
    return true;
  }
  parser.warn_obsolete(
      fmt::format("protocol {{ {} }} has been replaced by service {{ "
                  "inet_listener {{ address }} }}",
                  statement.key));
  for (const auto& name : found) {
    set_listener(parser, name, tls, "address", now.value);
  }
  return true;
}

}  // namespace

bool read_obsolete_service(Parser& parser, const Statement& statement) {
  const std::string& key = statement.key;
  if (key == "listen" || key == "ssl_listen") {
    return read_listen(parser, statement);
  }
  if (key == "auth_count") {
    parser.warn_obsolete(
        "auth_count has been removed, and its value must be 1");
    return true;
  }
  auto* moved = std::find_if(std::begin(kMoved), std::end(kMoved),
                             [&](const Moved& m) { return m.before == key; });
  if (moved == std::end(kMoved)) return false;
  bool auth = moved->of == "auth";
  parser.warn_obsolete(fmt::format("{} has been replaced by service {}{{ {} }}",
                                   key, auth ? "auth " : "", moved->now));
  auto value = reworded(moved->as, statement.value);
  if (!value) return true;
  if (auth) {
    set_service(parser, "auth", moved->now, *value);
    return true;
  }
  for (const auto& name : protocols(parser)) {
    set_service(parser, moved->of == "login" ? name + "-login" : name,
                moved->now, *value);
  }
  return true;
}

}  // namespace mail::config::dovecot
