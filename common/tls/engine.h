#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/filter.h"
#include "common/tls/summary.h"

struct ssl_st;
struct ssl_session_st;

namespace mail::tls {

struct PeerCheck;

/// One TLS connection without a socket, either side: bytes in, bytes out.
/// Made by a ServerContext or ClientContext, which must live until the
/// handshake is done. Idle it holds no buffers of ours (OpenSSL's are about 14
/// KiB).
///
///   auto engine = context.new_engine(...);          // Result<unique_ptr>
///   tls::Engine* tls = engine->get();
///   auto done = co_await stream.handshake(std::move(*engine),
///                                         tls::Engine::finished, deadline);
///   if (!done) log(handshake_failed_line(Role::Server, peer, done.error())),
///              for (auto& line : tls->library_problems()) warn(line);
///   else       log(established_line(tls->summary(), peer));
///
/// After a failed handshake the stream still owns the engine.
class Engine : public net::Filter {
 public:
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// The connection stands and the peer has been judged; see summary().
  bool handshake_done() const { return done_; }
  /// For Stream::handshake.
  static bool finished(net::Filter& filter);

  // Filter. An empty `received` begins a client's handshake. Errors: Protocol,
  // what is "-1" as Postfix logs it; library_problems() has the reasons.
  Result<> decode(std::string_view received, std::string& plain,
                  std::string& wire) override;
  Result<> encode(std::string_view plain, std::string& wire) override;
  bool at_end() const override { return at_end_; }
  void close(std::string& wire) override;

  /// Valid when handshake_done().
  const Summary& summary() const { return summary_; }
  /// "TLS library problem: error:...:" lines, for warnings; taken once.
  std::vector<std::string> library_problems();

  /// Client: a session that may be resumed later, ASN.1, taken once. With
  /// TLS 1.3 it comes after the handshake, with the first bytes received.
  std::optional<std::string> take_session();

 private:
  friend class ServerContext;
  friend class ClientContext;
  struct Wire;

  Engine(ssl_st* ssl, Role role, std::unique_ptr<PeerCheck> check);
  Result<> step(std::string& plain);
  Result<> failed();
  void finish_handshake();
  static int on_new_session(ssl_st* ssl, ssl_session_st* session);

  ssl_st* ssl_;
  std::unique_ptr<Wire> wire_;
  std::unique_ptr<PeerCheck> check_;
  bool done_ = false;
  bool at_end_ = false;
  bool broken_ = false;
  Summary summary_;
  std::vector<std::string> problems_;
  std::optional<std::string> session_;
};

}  // namespace mail::tls
