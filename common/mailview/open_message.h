#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/mailbox/mailbox.h"
#include "common/mailview/message_facts.h"
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

/// ENVELOPE's and BODYSTRUCTURE's values, by what the index has or, made from
/// the file, is put there.
Result<> put_envelope(std::string& out, OpenMessage& open,
                      mailbox::Mailbox& mailbox, uint32_t uid);
Result<std::string> envelope_text(OpenMessage& open, mailbox::Mailbox& mailbox,
                                  uint32_t uid);
Result<std::string> structure_text(OpenMessage& open, mailbox::Mailbox& mailbox,
                                   uint32_t uid, bool extended);
/// The raw values of the headers that SEARCH and SORT look at.
Result<HeaderFacts> header_facts(OpenMessage& open, mailbox::Mailbox& mailbox,
                                 uint32_t uid);
/// What dates and threads are made of.
Result<> message_keys(OpenMessage& open, mailbox::Mailbox& mailbox,
                      uint32_t uid, MessageKeys& out);

}  // namespace mail::mailview
