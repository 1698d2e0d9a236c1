#pragma once

#include <string>

#include "common/mailbox/mbox_writer.h"

namespace mail::mailbox {

/// Writes one message into the Maildir `path` ("/home/a/Maildir/"), with the
/// rights of its owner: tmp/SEC.Ppid.HOST, fsync, then
/// new/SEC.V<dev>I<inode>M<usec>.HOST, fsync of new. tmp, new, cur and what is
/// missing above them are made (0700). limit: of the message, 0: none.
/// Errors: with errno, `create maildir file PATH: reason` ...
Result<> deliver_to_maildir(const std::string& path, const std::string& host,
                            const Fill& fill, size_t limit);

}  // namespace mail::mailbox
