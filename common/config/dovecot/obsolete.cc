#include <fmt/format.h>

#include <string_view>

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

}  // namespace

bool read_obsolete(Parser& parser, const Statement& statement) {
  if (!parser.path_here().empty()) return false;
  const std::string& key = statement.key;
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
  return std::string(name);
}

}  // namespace mail::config::dovecot
