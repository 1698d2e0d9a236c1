// passdb and userdb sql (SQLite): in workers, for a query may block.
#include <fmt/format.h>

#include "authd/log_lines.h"
#include "authd/passdb/drivers.h"
#include "authd/sql_config.h"
#include "authd/sqlite.h"
#include "authd/userdb/drivers.h"
#include "common/base/ascii.h"
#include "common/sasl/password.h"

namespace mail::authd {

namespace {

using ConfigPtr = std::shared_ptr<const SqlConfig>;

/// At most the first two rows.
Result<std::vector<SqlRow>> ask(Sqlite& database, const std::string& query,
                                const Request& request,
                                std::string_view log_name) {
  if (request.settings->debug) {
    log_lines::debug(request.line(log_name, query));
  }
  std::vector<SqlRow> rows;
  TRY(database.query(query, [&](SqlRow row) {
    rows.push_back(std::move(row));
    return rows.size() < 2;
  }));
  return rows;
}

class SqlPassdb : public Passdb {
 public:
  SqlPassdb(const DatabaseSettings& settings, unsigned id, ConfigPtr config)
      : Passdb(settings, id),
        config_(std::move(config)),
        database_(Sqlite::shared(config_->connect)) {}

  bool blocking() const override { return true; }
  std::string_view cache_key() const override {
    return config_->password_query;
  }

  PassAnswer look_up(const Request& request) override {
    PassAnswer out;
    std::string query = expand_sql(config_->password_query, request);
    auto rows = ask(*database_, query, request, log_name());
    if (!rows) {
      log_lines::error(request.line(
          log_name(),
          fmt::format("Password query failed: {}", rows.error().what)));
      return out;
    }
    if (rows->empty()) {
      log_lines::unknown_user(request, log_name(), settings());
      out.result = PassResult::UnknownUser;
      return out;
    }
    if (rows->size() > 1) {
      log_lines::error(
          request.line(log_name(), "Password query returned multiple matches"));
      return out;
    }
    out.result = PassResult::Ok;
    out.scheme = config_->default_pass_scheme;
    for (auto& [name, value] : (*rows)[0]) {
      if (name == "password") {
        auto stored = sasl::split_stored(value);
        if (!stored.scheme.empty()) out.scheme = stored.scheme;
        out.stored = std::string(stored.data);
      } else if (name == "password_noscheme") {
        out.stored = value;
      } else {
        out.fields.set(name, value);
      }
    }
    return out;
  }

 private:
  ConfigPtr config_;
  std::shared_ptr<Sqlite> database_;
};

class SqlUserdb : public Userdb {
 public:
  SqlUserdb(const DatabaseSettings& settings, unsigned id, ConfigPtr config)
      : Userdb(settings, id),
        config_(std::move(config)),
        database_(Sqlite::shared(config_->connect)) {}

  bool blocking() const override { return true; }
  std::string_view cache_key() const override { return config_->user_query; }

  UserAnswer look_up(const Request& request) override {
    UserAnswer out;
    std::string query = expand_sql(config_->user_query, request);
    auto rows = ask(*database_, query, request, log_name());
    if (!rows) {
      log_lines::error(request.line(
          log_name(), fmt::format("User query failed: {}", rows.error().what)));
      return out;
    }
    if (rows->empty()) {
      log_lines::unknown_user(request, log_name(), settings());
      out.result = UserResult::UnknownUser;
      return out;
    }
    if (rows->size() > 1) {
      log_lines::error(
          request.line(log_name(), "User query returned multiple matches"));
      return out;
    }
    out.result = UserResult::Ok;
    for (auto& [name, value] : (*rows)[0]) out.fields.set(name, value);
    return out;
  }

  bool list(const Request& request,
            const std::function<void(std::string_view)>& found) override {
    std::string query = expand_sql(config_->iterate_query, request);
    auto done = database_->query(query, [&](const SqlRow& row) {
      std::string user, domain;
      for (const auto& [name, value] : row) {
        if (name == "user" || name == "username") user = value;
        if (name == "domain") domain = value;
      }
      if (!user.empty()) found(domain.empty() ? user : user + "@" + domain);
      return true;
    });
    if (!done) {
      log_lines::error(
          fmt::format("sql: Iterate query failed: {}", done.error().what));
    }
    return static_cast<bool>(done);
  }

 private:
  ConfigPtr config_;
  std::shared_ptr<Sqlite> database_;
};

}  // namespace

Result<std::unique_ptr<Passdb>> make_sql_passdb(
    const DatabaseSettings& settings, unsigned id) {
  auto config = TRY(SqlConfig::load(std::string(trim(settings.args))));
  return std::make_unique<SqlPassdb>(settings, id, std::move(config));
}

Result<std::unique_ptr<Userdb>> make_sql_userdb(
    const DatabaseSettings& settings, unsigned id) {
  auto config = TRY(SqlConfig::load(std::string(trim(settings.args))));
  return std::make_unique<SqlUserdb>(settings, id, std::move(config));
}

}  // namespace mail::authd
