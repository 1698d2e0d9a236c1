#include "authd/userdb.h"

#include <fmt/format.h>

#include "authd/userdb/drivers.h"

namespace mail::authd {

namespace {
constexpr std::string_view kResultWords[] = {"ok", "user_unknown", "internal"};
constexpr std::string_view kNoUserdb[] = {"ldap", "checkpassword", "dict",
                                          "lua",  "nss",           "vpopmail"};
}  // namespace

std::string_view word(UserResult result) {
  return kResultWords[static_cast<size_t>(result)];
}

std::optional<UserResult> user_result(std::string_view word) {
  for (size_t i = 0; i < std::size(kResultWords); ++i) {
    if (kResultWords[i] == word) return static_cast<UserResult>(i);
  }
  return std::nullopt;
}

bool Userdb::list(const Request&,
                  const std::function<void(std::string_view)>&) {
  return false;
}

Result<std::unique_ptr<Userdb>> make_userdb(const DatabaseSettings& settings,
                                            unsigned id) {
  if (settings.driver == "passwd") return make_passwd_userdb(settings, id);
  if (settings.driver == "passwd-file")
    return make_passwd_file_userdb(settings, id);
  if (settings.driver == "static") return make_static_userdb(settings, id);
  if (settings.driver == "prefetch") return make_prefetch(settings, id);
  if (settings.driver == "sql") return make_sql_userdb(settings, id);
  for (std::string_view name : kNoUserdb) {
    if (settings.driver != name) continue;
    return fail(
        Fault::Config,
        fmt::format("Support not compiled in for userdb driver '{}'", name));
  }
  return fail(Fault::Config,
              fmt::format("Unknown userdb driver '{}'", settings.driver));
}

}  // namespace mail::authd
