#include "imapd/failure.h"

#include <fmt/format.h>

#include <cerrno>
#include <ctime>

namespace mail::imapd {

Reply failure_reply(Session& session, const Error& error,
                    std::string_view code) {
  if (error.fault != Fault::Permanent) {
    session.log(Severity::Error, error.what);
    std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    return Reply::no(fmt::format(
        "[SERVERBUG] Internal error occurred. Refer to server log for more "
        "information. [{:04}-{:02}-{:02} {:02}:{:02}:{:02}]",
        local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour,
        local.tm_min, local.tm_sec));
  }
  std::string_view response;
  switch (error.sys) {
    case ENOENT:
      response = code;
      break;
    case EEXIST:
      response = "ALREADYEXISTS";
      break;
    case EACCES:
    case EROFS:
      response = "NOPERM";
      break;
    case EINVAL:
      response = "CANNOT";
      break;
    case EBUSY:
      response = "INUSE";
      break;
    case EDQUOT:
    case ENOSPC:
      response = "OVERQUOTA";
      break;
    case E2BIG:
      response = "LIMIT";
      break;
    default:
      break;
  }
  if (response.empty()) return Reply::no(error.what);
  return Reply::no(fmt::format("[{}] {}", response, error.what));
}

}  // namespace mail::imapd
