#include "common/login/session_start.h"

namespace mail::login {

std::string encode(const SessionStart& start) {
  return ipc::tab_escape(start.user) + start.fields.encode() + "\n" +
         ipc::login::encode(start.request);
}

Result<SessionStart> parse_session_start(std::string_view message) {
  auto end = message.find('\n');
  if (end == std::string_view::npos) {
    return fail(Fault::Protocol, "session start: no line");
  }
  auto pieces = ipc::tab_split(message.substr(0, end));
  SessionStart start;
  start.user = ipc::tab_unescape(pieces[0]);
  start.fields = ipc::tab_fields(pieces, 1);
  start.request = TRY(ipc::login::parse_request(message.substr(end + 1)));
  return start;
}

}  // namespace mail::login
