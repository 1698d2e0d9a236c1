#pragma once

#include <span>
#include <string_view>

namespace mail::postconf {

/// Table types whose client settings stand in main.cf (NAME_suffix) or in a
/// file of main.cf's syntax.
bool is_client_database(std::string_view type);
/// The settings' names (ldap_table(5), mysql_table(5), pgsql_table(5),
/// sqlite_table(5), memcache_table(5)).
std::span<const std::string_view> database_suffixes(std::string_view type);

}  // namespace mail::postconf
