#pragma once

#include <string>
#include <string_view>

namespace mail::mime {

/// The local time zone at some moment, as localtime() gives it.
struct Zone {
  int offset = 0;  ///< seconds east of UTC
  std::string_view name = "UTC";
};

/// "Tue, 24 Nov 2026 03:17:34 +0000 (UTC)" (RFC 5322, 3.3, in Postfix's
/// shape: the day of the month is padded with a blank). seconds: since 1970.
/// An empty zone name leaves the comment away.
std::string format_date(long long seconds, const Zone& zone = {});

/// "YYYYMMDDHHMMSS", UTC, of Message-Ids.
std::string compact_utc(long long seconds);
/// "<20261124031734.QUEUEID@host>"; with a long queue id "<QUEUEID@host>".
std::string make_message_id(long long seconds, std::string_view queue_id,
                            std::string_view host, bool long_queue_id);

}  // namespace mail::mime
