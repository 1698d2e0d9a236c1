#include "tools/doveadm/mail/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "common/base/ascii.h"
#include "common/mailview/part_text.h"
#include "common/mime/date_parse.h"

namespace mail::doveadm {

namespace {

std::string local_time(int64_t seconds) {
  std::time_t t = seconds;
  std::tm local{};
  localtime_r(&t, &local);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
                     local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                     local.tm_hour, local.tm_min, local.tm_sec);
}

/// Without a date it was sent in 1970, as the original has it.
Result<mime::HeaderDate> sent(Fetched& m) {
  mailview::MessageKeys keys;
  TRY(mailview::message_keys(m.open, m.box, m.uid, keys));
  return keys.date.value_or(mime::HeaderDate{});
}

Result<std::string> date_sent(Fetched& m) {
  auto date = TRY(sent(m));
  int minutes = std::abs(date.offset) / 60;
  return fmt::format("{} ({}{:02}{:02})", local_time(date.seconds),
                     date.offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

Result<std::string> flags(Fetched& m) {
  auto message = m.box.find(m.uid);
  if (!message) return std::string();
  std::vector<std::string> out;
  for (auto name : mailbox::FlagNames(message->flags)) out.emplace_back(name);
  if (message->recent) out.emplace_back("\\Recent");
  const auto& names = m.box.keywords();
  for (size_t i = 0; i < names.size(); ++i) {
    if (message->keywords >> i & 1) out.push_back(names[i]);
  }
  return join(out, " ");
}

/// An IMAP list without its parentheses.
std::string inside(std::string list) {
  if (list.starts_with('(') && list.ends_with(')')) {
    list = list.substr(1, list.size() - 2);
  }
  return list;
}

Result<std::string> storage_id(Fetched& m) {
  auto path = TRY(
      m.mail.storage.path(m.box.name(), mailbox::Storage::PathType::Mailbox));
  bool maildir = access((path + "/cur").c_str(), F_OK) == 0;
  return maildir ? m.box.message_guid(m.uid) : Result<std::string>("");
}

using Value = Result<std::string> (*)(Fetched&);
struct Known {
  std::string_view name;
  bool text;
  Value value;
};

const Known kKnown[] = {
    {"user", false,
     [](Fetched& m) -> Result<std::string> { return m.mail.account.name; }},
    {"mailbox", false,
     [](Fetched& m) -> Result<std::string> { return m.box.name(); }},
    {"mailbox-guid", false,
     [](Fetched& m) -> Result<std::string> { return m.box.guid(); }},
    {"seq", false,
     [](Fetched& m) -> Result<std::string> {
       return fmt::format("{}", m.box.seq(m.uid));
     }},
    {"uid", false,
     [](Fetched& m) -> Result<std::string> {
       return fmt::format("{}", m.uid);
     }},
    {"guid", false, [](Fetched& m) { return m.box.message_guid(m.uid); }},
    {"flags", false, flags},
    {"modseq", false,
     [](Fetched& m) -> Result<std::string> {
       auto message = m.box.find(m.uid);
       return fmt::format("{}", message ? message->modseq : 0);
     }},
    {"hdr", true,
     [](Fetched& m) -> Result<std::string> {
       return TRY(m.open.open(m.box, m.uid))->read_header();
     }},
    {"body", true,
     [](Fetched& m) -> Result<std::string> {
       auto* reader = TRY(m.open.open(m.box, m.uid));
       auto header = TRY(reader->read_header());
       auto all = TRY(reader->read_all());
       all.erase(0, header.size());
       return all;
     }},
    {"body.preview", false,
     [](Fetched& m) { return mailview::preview_text(m.open, m.box, m.uid); }},
    {"body.snippet", false,
     [](Fetched& m) { return mailview::preview_text(m.open, m.box, m.uid); }},
    {"text", true,
     [](Fetched& m) -> Result<std::string> {
       return TRY(m.open.open(m.box, m.uid))->read_all();
     }},
    {"text.utf8", true, utf8_text},
    {"size.physical", false,
     [](Fetched& m) -> Result<std::string> {
       return fmt::format("{}", TRY(m.box.physical_size(m.uid)));
     }},
    {"size.virtual", false,
     [](Fetched& m) -> Result<std::string> {
       return fmt::format("{}", TRY(m.box.virtual_size(m.uid)));
     }},
    {"date.received", false,
     [](Fetched& m) -> Result<std::string> {
       return local_time(TRY(m.box.internal_date(m.uid)));
     }},
    {"date.sent", false, date_sent},
    {"date.saved", false,
     [](Fetched& m) -> Result<std::string> {
       return local_time(TRY(m.box.save_date(m.uid)));
     }},
    {"date.received.unixtime", false,
     [](Fetched& m) -> Result<std::string> {
       return fmt::format("{}", TRY(m.box.internal_date(m.uid)));
     }},
    {"date.sent.unixtime", false,
     [](Fetched& m) -> Result<std::string> {
       return fmt::format("{}", TRY(sent(m)).seconds);
     }},
    {"date.saved.unixtime", false,
     [](Fetched& m) -> Result<std::string> {
       return fmt::format("{}", TRY(m.box.save_date(m.uid)));
     }},
    {"imap.envelope", false,
     [](Fetched& m) -> Result<std::string> {
       return inside(TRY(mailview::envelope_text(m.open, m.box, m.uid)));
     }},
    {"imap.body", false,
     [](Fetched& m) -> Result<std::string> {
       return inside(
           TRY(mailview::structure_text(m.open, m.box, m.uid, false)));
     }},
    {"imap.bodystructure", false,
     [](Fetched& m) -> Result<std::string> {
       return inside(TRY(mailview::structure_text(m.open, m.box, m.uid, true)));
     }},
    {"pop3.uidl", false,
     [](Fetched& m) -> Result<std::string> {
       return m.box.saved_uidl(m.uid).value_or("");
     }},
    {"pop3.order", false,
     [](Fetched&) -> Result<std::string> { return std::string(); }},
    {"refcount", false,
     [](Fetched&) -> Result<std::string> { return std::string("1"); }},
    {"storageid", false, storage_id}};

}  // namespace

std::string available_fields() {
  std::string out =
      "Available fetch fields: hdr.<name> body.<section> binary.<section>";
  for (const Known& known : kKnown) out += fmt::format(" {}", known.name);
  return out;
}

Result<std::vector<FetchField>> parse_fields(std::string_view words) {
  std::vector<FetchField> out;
  for (auto word : split(words, " ")) {
    std::string name = lower(word);
    const Known* known =
        std::find_if(std::begin(kKnown), std::end(kKnown),
                     [&](const Known& one) { return one.name == name; });
    if (known != std::end(kKnown)) {
      out.push_back({name, known->text, known->value});
    } else if (name.starts_with("hdr.")) {
      out.push_back(TRY(header_field(name)));
    } else if (name.starts_with("body.")) {
      out.push_back(TRY(section_field(name, /*binary=*/false)));
    } else if (name.starts_with("binary.")) {
      out.push_back(TRY(section_field(name, /*binary=*/true)));
    } else {
      return fail(Fault::Protocol, "Unknown fetch field: " + std::string(word));
    }
  }
  return out;
}

}  // namespace mail::doveadm
