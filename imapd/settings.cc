#include "imapd/settings.h"

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::imapd {

namespace setting = config::dovecot::setting;

Config config_of(const config::dovecot::Settings& s) {
  Config c;
  c.max_line_length = s.get(setting::imap_max_line_length);
  c.capability = s.get(setting::imap_capability);
  c.literal_minus = s.get(setting::imap_literal_minus);
  c.id_send = s.get(setting::imap_id_send);
  c.id_log = s.get(setting::imap_id_log);
  c.logout_format = s.get(setting::imap_logout_format);
  c.idle_notify_interval = s.get(setting::imap_idle_notify_interval);
  for (auto word : split(s.get(setting::imap_client_workarounds), " ,")) {
    if (word == "tb-lsub-flags") {
      c.tb_lsub_flags = true;
    } else {
      c.unbuilt_workarounds += c.unbuilt_workarounds.empty() ? "" : " ";
      c.unbuilt_workarounds += word;
    }
  }
  for (auto plugin : split(s.get(setting::mail_plugins), " ,")) {
    c.compress |= plugin == "imap_zlib";
    c.quota |= plugin == "imap_quota";
  }
  if (auto level = s.plugin("imap_zlib_compress_level")) {
    c.compress_level = std::clamp(parse_number<int>(*level).value_or(6), 0, 9);
  }
  c.fetch_failure_no = s.get(setting::imap_fetch_failure) == "no-after";
  return c;
}

}  // namespace mail::imapd
