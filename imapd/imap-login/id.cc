#include "imapd/imap-login/id.h"

#include <sys/utsname.h>

#include "common/base/ascii.h"
#include "common/imap/quote.h"

namespace mail::imap_login {
namespace {

std::string own_value(std::string_view key) {
  utsname system{};
  bool known = ::uname(&system) == 0;
  if (key == "name") return "Dovecot";
  if (key == "version") return "2.3.19.1";
  if (key == "revision") return "9b53102964";
  if (key == "os" && known) return system.sysname;
  if (key == "os-version" && known) return system.release;
  if (key == "support-url") return "http://www.dovecot.org/";
  if (key == "support-email") return "dovecot@dovecot.org";
  return {};
}

}  // namespace

std::string id_reply(std::string_view imap_id_send) {
  auto words = split(imap_id_send, " ");
  std::string list;
  for (size_t i = 0; i + 1 < words.size(); i += 2) {
    auto value =
        words[i + 1] == "*" ? own_value(words[i]) : std::string(words[i + 1]);
    list += list.empty() ? "(" : " ";
    imap::put_string(list, words[i]);
    list += ' ';
    if (value.empty()) {
      list += "NIL";
    } else {
      imap::put_string(list, value);
    }
  }
  return list.empty() ? "NIL" : list + ")";
}

}  // namespace mail::imap_login
