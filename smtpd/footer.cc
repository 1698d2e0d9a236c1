#include "smtpd/footer.h"

namespace mail::smtpd {

Result<smtp::Reply> add_footer(smtp::Reply reply, std::string_view text,
                               const config::Lookup& facts,
                               std::string_view allowed_bytes) {
  config::ExpandOptions options;
  options.allowed_bytes = allowed_bytes;
  bool own_line = !text.starts_with("\\c");
  if (!own_line) text.remove_prefix(2);
  auto expanded = TRY(config::expand(text, facts, options));
  if (own_line) reply.text += '\n';
  std::string_view rest = expanded.text;
  while (true) {
    size_t end = rest.find("\\n");
    reply.text += rest.substr(0, end);
    if (end == std::string_view::npos) return reply;
    reply.text += '\n';
    rest.remove_prefix(end + 2);
  }
}

}  // namespace mail::smtpd
