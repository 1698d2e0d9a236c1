#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mailview/open_message.h"
#include "tools/doveadm/mail/run.h"

namespace mail::doveadm {

/// The message whose fields are wanted.
struct Fetched {
  UserMail& mail;
  mailbox::Mailbox& box;
  uint32_t uid;
  mailview::OpenMessage& open;
};

/// A field of `doveadm fetch`.
struct FetchField {
  std::string name;
  bool text = false;  ///< the whole of a text (Printer::Column::text)
  std::function<Result<std::string>(Fetched&)> value;
};

/// "uid hdr.subject body.1". Errors: Protocol; what: "Unknown fetch field: x".
Result<std::vector<FetchField>> parse_fields(std::string_view words);
/// The names there are, for the one who has misspelt one.
std::string available_fields();

/// hdr.NAME and its filters (".utf8", ".address", ".address_name");
/// body.SECTION and binary.SECTION (fields_text.cc).
Result<FetchField> header_field(std::string_view name);
Result<FetchField> section_field(std::string_view name, bool binary);
/// text.utf8
Result<std::string> utf8_text(Fetched& message);

}  // namespace mail::doveadm
