#pragma once

#include <string>
#include <string_view>

#include "common/ipc/conversation.h"

namespace mail::ipc {

/// One message on its way into cleanup(8).
struct Submission {
  net::Stream stream;
  std::string id;  ///< its queue id
};

/// Connects; the id is known before the text is made.
net::Task<Result<Submission>> begin_post(Client& cleanup);

struct Letter {
  int flags = 0;                  ///< cleanup_flag
  int trace_flags = 0;            ///< delivery_flag
  std::string sender, recipient;  ///< internal form
  long sec = 0, usec = 0;         ///< now
  std::string text;               ///< lines, each with \n
};

/// A letter of this moment, its text begun: "Received: by HOST (MAIL_NAME)",
/// the id, the date. `date` (if not null) gets that.
Letter begin_letter(std::string_view host, std::string_view mail_name,
                    std::string_view id, std::string* date = nullptr);

/// Sends it. Errors: the connection's; Temporary, cleanup's refusal.
net::Task<Result<>> finish_post(Client& cleanup, Submission submission,
                                Letter letter);

}  // namespace mail::ipc
