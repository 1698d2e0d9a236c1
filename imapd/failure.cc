#include "imapd/failure.h"

#include <fmt/format.h>

#include <cerrno>

#include "common/login/public_text.h"

namespace mail::imapd {

Reply failure_reply(Session& session, const Error& error,
                    std::string_view code) {
  if (error.fault != Fault::Permanent) {
    session.log(Severity::Error, error.what);
    return Reply::no("[SERVERBUG] " + login::public_text(error));
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
