// COMPRESS (RFC 4978), when the imap_zlib plugin is configured.
#include "imapd/command.h"
#include "imapd/deflate.h"

namespace mail::imapd {

net::Task<Reply> cmd_compress(Session& session, const imap::Command& command) {
  if (command.args.empty() || !command.args[0].is_atom()) {
    co_return Reply::bad("Invalid arguments.");
  }
  if (session.compressing()) {
    co_return Reply::no(
        "[COMPRESSIONACTIVE] COMPRESSION=DEFLATE already enabled.");
  }
  if (!command.args[0].is_atom("DEFLATE")) {
    co_return Reply::no("Unknown compression mechanism");
  }
  session.begin_compression();
  co_return Reply::ok("Begin compression");
}

}  // namespace mail::imapd
