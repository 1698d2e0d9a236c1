#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "common/base/ascii.h"
#include "common/config/dovecot/parser.h"

namespace mail::config::dovecot {

namespace {

struct Renamed {
  std::string_view before, now;
};
constexpr Renamed kRenamed[] = {
    {"dbox_rotate_size", "mdbox_rotate_size"},
    {"mail_cache_compress_min_size", "mail_cache_purge_min_size"},
    {"mail_cache_compress_delete_percentage",
     "mail_cache_purge_delete_percentage"},
    {"mail_cache_compress_continued_percentage",
     "mail_cache_purge_continued_percentage"},
    {"mail_cache_compress_header_continue_count",
     "mail_cache_purge_header_continue_count"}};
constexpr std::string_view kRemoved[] = {"login_dir",
                                         "dbox_rotate_min_size",
                                         "dbox_rotate_days",
                                         "director_consistent_hashing",
                                         "mail_log_max_lines_per_sec",
                                         "maildir_copy_preserve_filename"};
constexpr std::string_view kNotNeeded[] = {"ssl_parameters_regenerate",
                                           "ssl_dh_parameters_length"};
constexpr std::string_view kFiles[] = {"ssl_cert_file", "ssl_key_file",
                                       "ssl_ca_file"};

constexpr std::string_view kProtocols[] = {"SSLv3", "TLSv1", "TLSv1.1",
                                           "TLSv1.2"};

/// The least protocol that a list like "!SSLv3 TLSv1.2" leaves. Errors: why
/// there is none.
Result<std::string_view> least_protocol(std::string_view list) {
  bool wanted[std::size(kProtocols)] = {}, refused[std::size(kProtocols)] = {};
  bool any_wanted = false;
  for (auto word : split(list, ", :\t")) {
    bool no = word.starts_with('!');
    auto name = word.substr(no ? 1 : 0);
    auto* at = std::find(std::begin(kProtocols), std::end(kProtocols), name);
    if (at == std::end(kProtocols)) {
      return fail(Fault::Config,
                  fmt::format("Unrecognized protocol '{}'", name));
    }
    (no ? refused : wanted)[at - kProtocols] = true;
    any_wanted = any_wanted || !no;
  }
  for (size_t i = 0; i < std::size(kProtocols); ++i) {
    if ((wanted[i] || !any_wanted) && !refused[i]) return kProtocols[i];
  }
  return fail(Fault::Config, "All protocols disabled");
}

void read_ssl_protocols(Parser& parser, const Statement& statement) {
  parser.warn_obsolete("ssl_protocols has been replaced by ssl_min_protocol");
  auto least = least_protocol(statement.value);
  if (!least) {
    return parser.warn(
        fmt::format("Could not find a minimum ssl_min_protocol setting from "
                    "ssl_protocols = {}: {}",
                    statement.value, least.error().what));
  }
  parser.put_here("ssl_min_protocol", *least);
}

/// Takes a word out of a list as the original does: blanks stay.
bool take_word(std::string& list, std::string_view word) {
  for (size_t at = list.find(word); at != std::string::npos;
       at = list.find(word, at + 1)) {
    size_t end = at + word.size();
    bool begins = at == 0 || list[at - 1] == ' ';
    if (!begins || (end < list.size() && list[end] != ' ')) continue;
    list.erase(at, word.size());
    return true;
  }
  return false;
}

bool read_workarounds(Parser& parser, const Statement& statement) {
  Statement left = statement;
  bool idle = take_word(left.value, "outlook-idle");
  bool eoh = take_word(left.value, "netscape-eoh");
  if (idle) {
    parser.warn_obsolete(
        "imap_client_workarounds=outlook-idle is no longer necessary");
  }
  if (eoh) {
    parser.warn_obsolete(
        "imap_client_workarounds=netscape-eoh is no longer supported");
  }
  if (!idle && !eoh) return false;
  parser.set_here(left.key, left);
  return true;
}

void close_plain_listener(Parser& parser, const std::string& protocol) {
  parser.ensure_member("service", protocol + "-login");
  std::string path = parser.ensure_member(
      fmt::format("service/{}-login/inet_listener", protocol), protocol);
  parser.set_global(path + "/port", "0");
}

bool read_protocols(Parser& parser, const Statement& statement) {
  auto words = split(statement.value, " \t");
  auto holds = [&](std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  if (!holds("imaps") && !holds("pop3s") && !holds("managesieve")) return false;
  Statement now = statement;
  now.value.clear();
  for (auto word : words) {
    std::string name(word);
    if (word == "managesieve") {
      parser.warn_obsolete(
          "protocols=managesieve has been renamed to protocols=sieve");
      name = "sieve";
    } else if (word == "imaps" || word == "pop3s") {
      name.pop_back();
      if (holds(name)) {
        parser.warn_obsolete(fmt::format(
            "'{}' protocol is no longer necessary, remove it", word));
        continue;
      }
      parser.warn_obsolete(fmt::format(
          "'{}' protocol can no longer be specified (use protocols={}). to "
          "disable non-ssl {}, use service {}-login {{ inet_listener {} {{ "
          "port=0 }} }}",
          word, name, name, name, name));
      close_plain_listener(parser, name);
    }
    now.value += (now.value.empty() ? "" : " ") + name;
  }
  parser.set_here(now.key, now);
  return true;
}

bool is_yes(std::string_view value) {
  return value == "yes" || value == "y" || value == "1" || value == "true";
}

/// Old settings whose value has changed too.
bool read_reworded(Parser& parser, const Statement& statement) {
  const std::string& key = statement.key;
  if (key == "protocols") return read_protocols(parser, statement);
  if (key == "imap_client_workarounds") {
    return read_workarounds(parser, statement);
  }
  if (key == "ssl_protocols") {
    read_ssl_protocols(parser, statement);
  } else if (key == "ssl_disable") {
    parser.warn_obsolete("ssl_disable has been renamed to ssl");
    parser.put_here("ssl", is_yes(statement.value) ? "no" : "yes");
  } else if (key == "fsync_disable") {
    parser.warn_obsolete("fsync_disable has been renamed to mail_fsync");
    parser.put_here("mail_fsync",
                    is_yes(statement.value) ? "never" : "optimized");
  } else if (key == "sieve" || key == "sieve_storage") {
    parser.warn_obsolete(key == "sieve"
                             ? "sieve has been moved into plugin {} section"
                             : "sieve_storage has been moved into plugin { "
                               "sieve_dir }");
    parser.put_here("plugin", "");
    parser.put_here("plugin/" + key, statement.value);
  } else {
    return false;
  }
  return true;
}

}  // namespace

bool read_obsolete(Parser& parser, const Statement& statement) {
  const std::string& key = statement.key;
  if (parser.in_plugin() && key == "imap_zlib_compress_level") {
    parser.warn_obsolete(
        "imap_zlib_compress_level has been replaced by "
        "imap_compress_deflate_level");
    parser.put_here("plugin/imap_compress_deflate_level", statement.value);
    return true;
  }
  if (!parser.path_here().empty()) return false;
  if (read_reworded(parser, statement)) return true;
  if (read_obsolete_service(parser, statement)) return true;
  for (const auto& [before, now] : kRenamed) {
    if (key != before) continue;
    parser.warn_obsolete(fmt::format("{} has been renamed to {}", before, now));
    parser.set_here(now, statement);
    return true;
  }
  for (auto name : kRemoved) {
    if (key != name) continue;
    parser.warn_obsolete(fmt::format("{} has been removed", name));
    return true;
  }
  for (auto name : kNotNeeded) {
    if (key != name) continue;
    parser.warn_obsolete(fmt::format("{} is no longer needed", name));
    return true;
  }
  for (auto name : kFiles) {
    if (key != name) continue;
    std::string now = key.substr(0, key.size() - 5);
    parser.warn_obsolete(
        fmt::format("{} has been replaced by {} = <file", key, now));
    if (statement.value.empty()) return true;
    Statement file = statement;
    file.value_kind = Statement::ValueKind::File;
    parser.set_here(now, file);
    return true;
  }
  return false;
}

std::string renamed_section(Parser& parser, std::string_view word,
                            std::string_view name) {
  if (word == "protocol" && name == "managesieve") {
    parser.warn_obsolete(
        "protocol managesieve {} has been replaced by protocol sieve { }");
    return "sieve";
  }
  if (word == "service" && name == "dns_client") {
    parser.warn_obsolete(
        "service dns_client {} has been replaced by service dns-client { }");
    return "dns-client";
  }
  return std::string(name);
}

}  // namespace mail::config::dovecot
