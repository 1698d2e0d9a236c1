// Mailbox names and message sets as commands bring them.
#include <algorithm>

#include "common/imap/quote.h"
#include "common/mailbox/name.h"
#include "imapd/command.h"

namespace mail::imapd {

Result<std::string> mailbox_name(const imap::Arg& arg) {
  auto name = mailbox::from_mutf7(arg.text);
  if (!name) {
    return fail(Fault::Permanent, "Mailbox name is not valid mUTF-7");
  }
  return *name;
}

void put_mailbox_name(std::string& out, std::string_view utf8) {
  imap::put_astring(out, mailbox::to_mutf7(utf8));
}

std::optional<std::vector<uint32_t>> message_set(Session& session,
                                                 const imap::Command& command,
                                                 size_t argument) {
  if (argument >= command.args.size() || !command.args[argument].is_atom()) {
    return std::nullopt;
  }
  const std::string& text = command.args[argument].text;
  mailbox::Mailbox& box = *session.selected();
  std::vector<uint32_t> out;
  if (text == "$") {
    for (uint32_t uid : session.saved_search()) {
      if (box.seq(uid)) out.push_back(uid);
    }
    return out;
  }
  bool uids = is_uid_command(command);
  const auto& view = box.uids();
  uint32_t last = view.empty() ? 0 : view.back();
  auto set = imap::SequenceSet::parse(text, uids ? last : box.count());
  if (!set) return std::nullopt;
  if (!uids) {
    for (const auto& range : set->ranges()) {
      if (range.first == 0 || range.last > box.count()) return std::nullopt;
      out.insert(out.end(), view.begin() + range.first - 1,
                 view.begin() + range.last);
    }
    return out;
  }
  for (const auto& range : set->ranges()) {
    auto first = std::lower_bound(view.begin(), view.end(), range.first);
    auto end = std::upper_bound(first, view.end(), range.last);
    out.insert(out.end(), first, end);
  }
  return out;
}

}  // namespace mail::imapd
