#include "common/queue/dsn_status.h"

#include <cerrno>

#include "common/base/ascii.h"

namespace mail::queue {
namespace {

/// The length of the status at the start of `text`, 0: there is none.
size_t status_length(std::string_view text) {
  if (text.size() < 5 || text[1] != '.') return 0;
  if (text[0] != '2' && text[0] != '4' && text[0] != '5') return 0;
  size_t at = 2;
  for (char after : {'.', ' '}) {
    size_t start = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    if (at == start || at - start > 3) return 0;
    if (after == ' ') break;
    if (at == text.size() || text[at] != after) return 0;
    ++at;
  }
  if (at < text.size() && !is_space(text[at])) return 0;
  return at;
}

}  // namespace

bool is_dsn_status(std::string_view text) {
  return !text.empty() && status_length(text) == text.size();
}

DsnText split_dsn(std::string_view text, std::string_view fallback) {
  size_t n = status_length(text);
  if (n == 0) return {std::string(fallback), std::string(text)};
  return {std::string(text.substr(0, n)),
          std::string(trim_left(text.substr(n)))};
}

std::string_view mailbox_status(int error, std::string_view fallback) {
  switch (error) {
    case EAGAIN:
    case ESTALE:
      return "4.2.0";
    case ENOSPC:
      return "4.3.0";
    case EDQUOT:
    case EFBIG:
      return "5.2.2";
    default:
      return fallback;
  }
}

void soften(ipc::Dsn& dsn) {
  if (dsn.status.starts_with("5.")) dsn.status[0] = '4';
  // "550 5.1.1 no such user" of a peer.
  std::string& text = dsn.diag_text;
  if (!iequals(dsn.diag_type, "smtp") || text.empty() || text[0] != '5') {
    return;
  }
  text[0] = '4';
  if (text.size() > 6 && text[4] == '5' && text[5] == '.') text[4] = '4';
}

}  // namespace mail::queue
