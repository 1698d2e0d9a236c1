#include "lmtp/quota-status/request.h"

#include <fmt/format.h>

#include "common/base/number.h"

namespace mail::quota_status {

namespace {
Failure bad_form() {
  return fail(Fault::Protocol, "quota-status job: bad form");
}
}  // namespace

std::optional<Request> take_request(std::string_view bytes, size_t& used) {
  Request out;
  used = 0;
  while (true) {
    size_t end = bytes.find('\n', used);
    if (end == bytes.npos) return std::nullopt;
    std::string_view line = bytes.substr(used, end - used);
    used = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return out;
    if (line.starts_with("recipient=")) out.recipient = line.substr(10);
    if (line.starts_with("size=")) {
      out.size = parse_number<uint64_t>(line.substr(5)).value_or(0);
    }
  }
}

std::string without_detail(std::string_view address,
                           std::string_view delimiters) {
  size_t at = address.rfind('@');
  std::string_view domain = at == address.npos ? "" : address.substr(at);
  std::string_view local = address.substr(0, at);
  size_t detail =
      delimiters.empty() ? local.npos : local.find_first_of(delimiters);
  // A name that begins with one is a name.
  if (detail != local.npos && detail > 0) local = local.substr(0, detail);
  return fmt::format("{}{}", local, domain);
}

std::string encode(const Question& question) {
  return fmt::format("{}\t{}{}", ipc::tab_escape(question.user), question.size,
                     question.fields.encode());
}

Result<Question> parse_question(std::string_view text) {
  auto pieces = ipc::tab_split(text);
  if (pieces.size() < 2) return bad_form();
  auto size = parse_number<uint64_t>(pieces[1]);
  if (!size) return bad_form();
  return Question{ipc::tab_unescape(pieces[0]), ipc::tab_fields(pieces, 2),
                  *size};
}

std::string encode(const Verdict& verdict) {
  return fmt::format("{}\t{}", static_cast<int>(verdict.kind),
                     ipc::tab_escape(verdict.text));
}

Result<Verdict> parse_verdict(std::string_view text) {
  auto pieces = ipc::tab_split(text);
  if (pieces.size() != 2) return bad_form();
  auto kind = parse_number<int>(pieces[0]);
  if (!kind || *kind < 0 || *kind > static_cast<int>(Verdict::Kind::Trouble)) {
    return bad_form();
  }
  return Verdict{static_cast<Verdict::Kind>(*kind),
                 ipc::tab_unescape(pieces[1])};
}

}  // namespace mail::quota_status
