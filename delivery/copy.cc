#include "delivery/copy.h"

#include <fmt/format.h>

#include <ctime>

#include "common/mime/address.h"

namespace mail::delivery {

namespace {
constexpr size_t kBuffer = 64 << 10;
}

Result<bool> MessageCopy::fill(std::string& out) {
  if (!begun_) out += options_.head;
  begun_ = true;
  size_t before = out.size();
  while (out.size() - before < kBuffer) {
    auto piece = TRY(reader_.next());
    if (!piece) {
      out += options_.tail;
      return false;
    }
    if (line_start_) {
      if (options_.quote_from && piece->text.starts_with("From ")) out += '>';
      if (options_.stuff_dots && piece->text.starts_with('.')) out += '.';
    }
    out.append(piece->text);
    if (piece->ends_line) out += options_.newline;
    line_start_ = piece->ends_line;
  }
  return true;
}

std::string from_line(std::string_view sender, long seconds) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed",
                                   "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  time_t when = seconds;
  tm t{};
  localtime_r(&when, &t);
  return fmt::format(
      "From {}  {} {} {:2} {:02}:{:02}:{:02} {}\n",
      sender.empty() ? "MAILER-DAEMON" : mime::quote_local(sender),
      kDays[t.tm_wday], kMonths[t.tm_mon], t.tm_mday, t.tm_hour, t.tm_min,
      t.tm_sec, t.tm_year + 1900);
}

}  // namespace mail::delivery
