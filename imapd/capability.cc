#include "imapd/capability.h"

namespace mail::imapd {

// Of the original's list URL-PARTIAL, CATENATE, CONTEXT=SEARCH and NOTIFY are
// not built.
std::string capability_text(const Config& config,
                            const mailbox::Storage& storage) {
  std::string out =
      "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY "
      "THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND "
      "UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE "
      "QRESYNC ESEARCH ESORT SEARCHRES WITHIN LIST-STATUS BINARY MOVE "
      "SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE ";
  if (!config.capability.empty() && config.capability[0] != '+') {
    return config.capability;
  }
  out += config.literal_minus ? "LITERAL-" : "LITERAL+";
  for (const auto& space : storage.settings().namespaces) {
    bool any = false;
    for (const auto& box : space.mailboxes) any |= !box.special_use.empty();
    if (!any) continue;
    out += " SPECIAL-USE";
    break;
  }
  if (config.quota) out += " QUOTA";
  if (config.compress) out += " COMPRESS=DEFLATE";
  if (!config.capability.empty()) {
    out += ' ';
    out += config.capability.substr(1);
  }
  return out;
}

}  // namespace mail::imapd
