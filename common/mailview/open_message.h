#pragma once

#include <memory>
#include <optional>

#include "common/mailbox/mailbox.h"
#include "common/mime/structure.h"

namespace mail::mailview {

/// The message that was read last: clients ask for its parts one by one.
class OpenMessage {
 public:
  /// The reader of message `uid`. Errors: as Mailbox::open_message.
  Result<mailbox::MessageReader*> open(mailbox::Mailbox& mailbox, uint32_t uid);
  /// Its structure.
  Result<const mime::Part*> structure(mailbox::Mailbox& mailbox, uint32_t uid);
  void close();

 private:
  uint32_t uid_ = 0;
  std::unique_ptr<mailbox::MessageReader> reader_;
  std::optional<mime::Part> structure_;
};

/// ENVELOPE's and BODYSTRUCTURE's values, out of the index or made and put
/// there.
Result<std::string> envelope_text(OpenMessage& open, mailbox::Mailbox& mailbox,
                                  uint32_t uid);
Result<std::string> structure_text(OpenMessage& open, mailbox::Mailbox& mailbox,
                                   uint32_t uid, bool extended);
/// The raw values of the headers that SEARCH, SORT and THREAD look at.
struct HeaderFacts {
  mime::EnvelopeFields envelope;
  std::string references;
};
Result<HeaderFacts> header_facts(OpenMessage& open, mailbox::Mailbox& mailbox,
                                 uint32_t uid);
/// The Date header's value alone.
Result<std::optional<std::string>> date_header(OpenMessage& open,
                                               mailbox::Mailbox& mailbox,
                                               uint32_t uid);

}  // namespace mail::mailview
