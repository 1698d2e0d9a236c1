#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "authd/request.h"
#include "common/base/result.h"

namespace mail::authd {

/// dovecot-sql.conf.ext.
struct SqlConfig {
  std::string driver, connect, default_pass_scheme = "MD5";
  std::string password_query =
      "SELECT username, domain, password FROM users WHERE username = '%n' AND "
      "domain = '%d'";
  std::string user_query =
      "SELECT home, uid, gid FROM users WHERE username = '%n' AND domain = "
      "'%d'";
  std::string iterate_query = "SELECT username, domain FROM users";

  /// Errors: Config, the line and why.
  static Result<SqlConfig> parse(std::string_view text, std::string_view path);
  /// Reads a file; those of one path share it (passdb and userdb).
  static Result<std::shared_ptr<const SqlConfig>> load(const std::string& path);
};

/// A query with a request's %variables, each value safe inside '...'.
std::string expand_sql(std::string_view query, const Request& request);

}  // namespace mail::authd
