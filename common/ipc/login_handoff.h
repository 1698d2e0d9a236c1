#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/net/address.h"
#include "common/net/passing.h"

/// How a login process hands a client on to imap, pop3 or submission, over the
/// Unix socket login/PROTOCOL, byte for byte as Dovecot 2.3's programs do:
///
///   login → mail   Request, with the client's descriptor on the first byte
///   mail → login   Reply, when the mail process knows whose client it is
///
/// In between the mail process shows the cookie to auth (REQUEST, see
/// dovecot_auth.h) and learns the user's ids, home and mail from it.
/// Structures are native: offsets and sizes are those of x86-64.
namespace mail::ipc::login {

enum Flags : uint32_t {
  kTlsCompression = 1,
  kSecured = 2,     ///< TLS, or a trusted or local client
  kTlsSecured = 4,  ///< TLS
  kImplicit = 8,    ///< TLS from the first byte (993, 995)
};

/// | offset | bytes | what                                          |
/// |      0 |     4 | tag, comes back in the Reply                  |
/// |      4 |     4 | pid of auth                                   |
/// |      8 |     4 | id of the AUTH request                        |
/// |     12 |     4 | pid of the login process (its CPID)           |
/// |     16 |    16 | cookie of the auth connection                 |
/// |     32 |    20 | local address: u16 family, 2 pad, 16 bytes    |
/// |     52 |    20 | remote address                                |
/// |     72 |   2+2 | local port, remote port                       |
/// |     76 |     4 | flags                                         |
/// |     80 |     4 | size of what follows, at most kMaxData        |
/// |     88 |     8 | inode of the descriptor                       |
/// Then session id, NUL, and `data`.
struct Request {
  uint32_t tag = 0;
  int32_t auth_pid = 0;
  uint32_t auth_id = 0;
  uint32_t client_pid = 0;
  std::array<uint8_t, 16> cookie{};
  net::IpAddress local_ip, remote_ip;
  uint16_t local_port = 0, remote_port = 0;
  uint32_t flags = 0;
  uint64_t inode = 0;
  std::string session;  ///< without NUL
  /// IMAP: '0' or '1' (1: the client asked CAPABILITY before), its tag, NUL;
  /// then, for all, what the client has sent beyond the login command.
  std::string data;
};
inline constexpr size_t kRequestSize = 96;
/// Session id, NUL and data together.
inline constexpr size_t kMaxData = 1218;

/// | 0 | 4 | tag | 4 | 4 | status | 8 | 4 | pid of the mail process |
struct Reply {
  uint32_t tag = 0;
  uint32_t status = 0;  ///< 0: ok; 1: internal error
  int32_t mail_pid = 0;
};
inline constexpr size_t kReplySize = 12;

/// The wire form. Too much data is cut by nobody: CHECKs kMaxData.
std::string encode(const Request& request);
std::string encode(const Reply& reply);

/// Bytes that must be there before parse_request() can be called: of the whole
/// request. `head` has kRequestSize bytes at least.
/// Errors: Protocol, more than kMaxData.
Result<size_t> request_size(std::string_view head);
/// Errors: Protocol, what is wrong with it.
Result<Request> parse_request(std::string_view bytes);
Result<Reply> parse_reply(std::string_view bytes);

/// The IMAP part of Request::data.
struct ImapStart {
  bool asked_capability = false;
  std::string tag;
  std::string input;  ///< bytes to read before the descriptor's
};
std::string encode(const ImapStart& start);
/// Errors: Protocol, not of that form.
Result<ImapStart> parse_imap_start(std::string_view data);

/// One client that came over the socket.
struct Arrival {
  Request request;
  UniqueFd client;
};
/// Reads the next Request of a connection and its descriptor; the inode is
/// compared. Errors: of the wait; Protocol. sys is ECONNRESET when the login
/// process has closed the connection.
net::Task<Result<Arrival>> receive(net::Descriptor& connection,
                                   net::Deadline deadline);
/// Sends `request` with `client`, and waits for the reply to its tag. Sets
/// request.inode. Errors: of the wait, of the socket; Protocol.
net::Task<Result<Reply>> hand_over(net::Descriptor& connection, Request request,
                                   int client, net::Deadline deadline);

}  // namespace mail::ipc::login
