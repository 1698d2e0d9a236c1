#include "tools/postconf/databases.h"

namespace mail::postconf {

namespace {

constexpr std::string_view kLdap[] = {"bind",
                                      "bind_dn",
                                      "bind_pw",
                                      "cache",
                                      "cache_expiry",
                                      "cache_size",
                                      "chase_referrals",
                                      "debuglevel",
                                      "dereference",
                                      "domain",
                                      "expansion_limit",
                                      "leaf_result_attribute",
                                      "query_filter",
                                      "recursion_limit",
                                      "result_attribute",
                                      "result_filter",
                                      "result_format",
                                      "sasl_authz_id",
                                      "sasl_mechs",
                                      "sasl_minssf",
                                      "sasl_realm",
                                      "scope",
                                      "search_base",
                                      "server_host",
                                      "server_port",
                                      "size_limit",
                                      "special_result_attribute",
                                      "start_tls",
                                      "terminal_result_attribute",
                                      "timeout",
                                      "tls_ca_cert_dir",
                                      "tls_ca_cert_file",
                                      "tls_cert",
                                      "tls_cipher_suite",
                                      "tls_key",
                                      "tls_random_file",
                                      "tls_require_cert",
                                      "version"};
constexpr std::string_view kMysql[] = {"additional_conditions",
                                       "charset",
                                       "dbname",
                                       "domain",
                                       "expansion_limit",
                                       "hosts",
                                       "idle_interval",
                                       "option_file",
                                       "option_group",
                                       "password",
                                       "query",
                                       "require_result_set",
                                       "result_format",
                                       "retry_interval",
                                       "select_field",
                                       "table",
                                       "tls_CAfile",
                                       "tls_CApath",
                                       "tls_cert_file",
                                       "tls_ciphers",
                                       "tls_key_file",
                                       "tls_verify_cert",
                                       "user",
                                       "where_field"};
constexpr std::string_view kPgsql[] = {"additional_conditions",
                                       "dbname",
                                       "domain",
                                       "encoding",
                                       "expansion_limit",
                                       "hosts",
                                       "idle_interval",
                                       "password",
                                       "query",
                                       "result_format",
                                       "retry_interval",
                                       "select_field",
                                       "select_function",
                                       "table",
                                       "user",
                                       "where_field"};
constexpr std::string_view kSqlite[] = {
    "additional_conditions", "dbpath", "domain",
    "expansion_limit",       "query",  "result_format",
    "select_field",          "table",  "where_field"};
constexpr std::string_view kMemcache[] = {
    "backup",      "data_size_limit", "domain",  "flags",
    "key_format",  "line_size_limit", "max_try", "memcache",
    "retry_pause", "timeout",         "ttl"};

struct Database {
  std::string_view type;
  std::span<const std::string_view> suffixes;
};
constexpr Database kDatabases[] = {{"ldap", kLdap},
                                   {"memcache", kMemcache},
                                   {"mysql", kMysql},
                                   {"pgsql", kPgsql},
                                   {"sqlite", kSqlite}};

}  // namespace

std::span<const std::string_view> database_suffixes(std::string_view type) {
  for (const Database& database : kDatabases) {
    if (database.type == type) return database.suffixes;
  }
  return {};
}

bool is_client_database(std::string_view type) {
  return !database_suffixes(type).empty();
}

}  // namespace mail::postconf
