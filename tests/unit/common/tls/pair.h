#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "common/base/file.h"
#include "common/tls/client_context.h"
#include "common/tls/server_context.h"
#include "tests/support/certificates.h"

namespace mail::tls {

/// A directory for one test's files.
struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/tls_test.XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& bytes) const {
    REQUIRE(replace_file(path + "/" + name, bytes, 0600));
    return path + "/" + name;
  }
  CertificateFiles::Pair write(const std::string& name,
                               const test::Certificate& c) const {
    return {write(name + ".pem", c.certificate), write(name + ".key", c.key)};
  }
};

/// A client and a server engine and the wire between.
struct Pair {
  std::unique_ptr<Engine> client, server;
  std::string to_server, to_client;        // on their way
  std::string client_plain, server_plain;  // what has arrived
  Result<> client_result, server_result;

  // Carries `step` bytes at a time until nothing moves.
  void run(size_t step = std::string::npos) {
    if (!client->handshake_done()) {
      client_result = client->decode({}, client_plain, to_server);
    }
    while (!to_server.empty() || !to_client.empty()) {
      if (!to_server.empty() && server_result) {
        std::string piece = to_server.substr(0, step);
        to_server.erase(0, piece.size());
        server_result = server->decode(piece, server_plain, to_client);
      } else if (!to_client.empty() && client_result) {
        std::string piece = to_client.substr(0, step);
        to_client.erase(0, piece.size());
        client_result = client->decode(piece, client_plain, to_server);
      } else {
        break;
      }
    }
  }
  bool done() const {
    return client->handshake_done() && server->handshake_done();
  }
};

/// A world of one server with a certificate and clients with an authority.
struct World {
  Folder folder;
  ServerOptions server_options;
  ClientOptions client_options;
  std::unique_ptr<ServerContext> server;
  std::unique_ptr<ClientContext> client;

  explicit World(const test::CertificateOptions& options = {},
                 bool self_signed = false) {
    server_options.certificates.pairs = {folder.write(
        "server", test::make_certificate(
                      options, self_signed ? nullptr : &test::authority()))};
    client_options.ca_file =
        folder.write("ca.pem", test::authority().certificate);
  }
  void open() {
    auto s = ServerContext::open(server_options);
    REQUIRE(s);
    server = std::move(*s);
    auto c = ClientContext::open(client_options);
    REQUIRE(c);
    client = std::move(*c);
  }
  Pair connect(const ClientPolicy& policy = {}, std::string session = {},
               ServerNames names = {"mail.example.org", "example.org"}) {
    if (!server) open();
    Pair out;
    auto c = client->new_engine(policy, names, session);
    REQUIRE(c);
    out.client = std::move(*c);
    auto s = server->new_engine();
    REQUIRE(s);
    out.server = std::move(*s);
    return out;
  }
};

}  // namespace mail::tls
