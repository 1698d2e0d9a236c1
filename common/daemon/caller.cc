#include "common/daemon/caller.h"

#include <fmt/format.h>
#include <unistd.h>

#include "common/config/postfix/params.h"
#include "common/daemon/command.h"
#include "common/maps/match_list.h"
#include "common/net/loop.h"
#include "common/process/ids.h"

namespace mail::daemon {

std::string caller_name() {
  auto account = process::find_account(getuid());
  return account && *account ? (*account)->name : "unknown";
}

void authorize_caller(const config::Settings& settings,
                      config::param::String list, std::string_view action,
                      Superuser superuser) {
  uid_t uid = getuid();
  const std::string& value = settings.get(list);
  if (value == "static:anyone") return;  // the default: nothing to ask
  if (superuser == Superuser::Always) {
    if (uid == 0) return;
    auto owner = process::find_user(settings.get(config::param::mail_owner));
    if (owner && *owner && (*owner)->uid == uid) return;
  }
  std::string name = caller_name();
  net::Loop loop;
  auto users = maps::MatchList::open("authorized users", value,
                                     {.kind = maps::ListKind::String});
  auto allowed = loop.run(users.match(name));
  if (allowed && *allowed) return;
  fatal(fmt::format("User {}({}) is not allowed to {}", name, uid, action));
}

}  // namespace mail::daemon
