#include <unistd.h>

#include "tests/unit/common/tls/pair.h"

using namespace mail;
using namespace mail::tls;
using namespace std::chrono_literals;

namespace {

std::string served_name(World& w) {
  Pair pair = w.connect();
  pair.run();
  REQUIRE(pair.done());
  return pair.client->summary().peer_cn;
}

test::Certificate named(const char* name) {
  test::CertificateOptions options;
  options.common_name = name;
  return test::make_certificate(options, &test::authority());
}

}  // namespace

TEST_CASE("a renewed certificate is served, a broken one is not", "[tls]") {
  World w;
  w.open();
  Instant now = Clock::now();
  w.server->refresh(now);
  CHECK(served_name(w) == "mail.example.org");
  auto next = named("next.example");
  w.folder.write("server.pem", next.certificate);
  w.server->refresh(now + 500ms);  // too early to look
  CHECK(w.server->problems().empty());
  w.server->refresh(now + 2s);
  auto problems = w.server->problems();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] ==
        "smtpd_tls_cert_file: " + w.folder.path + "/server.pem with key " +
            w.folder.path +
            "/server.key: the private key does not belong to the certificate; "
            "the old certificate stays in use: install a certificate and the "
            "key that belongs to it");
  CHECK(served_name(w) == "mail.example.org");
  w.server->refresh(now + 4s);
  CHECK(w.server->problems().empty());  // said once
  Pair before = w.connect();
  w.folder.write("server.key", next.key);
  w.server->refresh(now + 6s);
  CHECK(w.server->problems().empty());
  CHECK(served_name(w) == "next.example");
  before.run();  // begun with the old one, ends with it
  REQUIRE(before.done());
  CHECK(before.client->summary().peer_cn == "mail.example.org");
}

TEST_CASE("certificates are followed through symbolic links", "[tls]") {
  World w;
  auto one = named("one.example"), two = named("two.example");
  w.folder.write("one.pem", one.key + one.certificate);
  w.folder.write("two.pem", two.key + two.certificate);
  std::string link = w.folder.path + "/live.pem";
  std::filesystem::create_symlink("one.pem", link);
  w.server_options.certificates.chain_files = {link};
  w.open();
  CHECK(served_name(w) == "one.example");
  std::filesystem::remove(link);
  std::filesystem::create_symlink(w.folder.path + "/two.pem", link);
  w.server->refresh(Clock::now());
  CHECK(served_name(w) == "two.example");
}

TEST_CASE("a renewal that only root may see asks for a restart", "[tls]") {
  if (geteuid() != 0) return;
  bool hidden = GENERATE(false, true);
  World w;
  std::filesystem::permissions(w.folder.path,
                               std::filesystem::perms(hidden ? 0700 : 0755));
  w.open();
  Instant now = Clock::now();
  auto refresh_as_nobody = [&] {
    REQUIRE(seteuid(65534) == 0);
    w.server->refresh(now += 2s);
    REQUIRE(seteuid(0) == 0);
  };
  refresh_as_nobody();
  CHECK(w.server->problems().empty());
  CHECK_FALSE(w.server->wants_restart());
  auto next = named("next.example");
  w.folder.write("server.pem", next.certificate);
  w.folder.write("server.key", next.key);
  refresh_as_nobody();
  CHECK(w.server->wants_restart());
  auto problems = w.server->problems();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].ends_with(
      ": Permission denied; the old certificate stays in use: a process "
      "started anew can read it"));
  CHECK(served_name(w) == "mail.example.org");
  refresh_as_nobody();
  CHECK(w.server->problems().empty());
}

TEST_CASE("a missing certificate leaves TLS off, with a remedy", "[tls]") {
  World w;
  std::string path = w.folder.path + "/later.pem";
  w.server_options.certificates.pairs = {{path, ""}};
  w.open();
  CHECK_FALSE(w.server->available());
  CHECK_FALSE(w.server->new_engine());
  CHECK(w.server->problems() ==
        std::vector<std::string>{
            "cannot get RSA certificate from file \"" + path +
            "\": disabling TLS support: open " + path +
            ": No such file or directory; create it, or correct the "
            "setting"});
  auto later = named("later.example");
  w.folder.write("later.pem", later.key + later.certificate);
  w.server->refresh(Clock::now());
  CHECK(w.server->available());
  CHECK(served_name(w) == "later.example");
}

TEST_CASE("an expired certificate is served, with a warning", "[tls]") {
  test::CertificateOptions options;
  options.valid_from = -7200;
  options.valid_until = -3600;
  World w(options);
  w.open();
  CHECK(w.server->available());
  CHECK(w.server->problems().size() == 1);
  CHECK(w.server->expires() < WallClock::now());
}

TEST_CASE("settings that cannot be understood are errors", "[tls]") {
  World w;
  auto error = [&](auto change) {
    ServerOptions options = w.server_options;
    change(options);
    auto context = ServerContext::open(options);
    return context ? std::string("none") : context.error().what;
  };
  CHECK(error([](auto& o) { o.protocols = "TLSv7"; }) ==
        "invalid TLS protocol list: TLSv7");
  CHECK(error([](auto& o) { o.ciphers = "best"; }) ==
        "invalid TLS cipher grade: \"best\"");
  CHECK(error([](auto& o) { o.ssl_options = "NO_SUCH"; }) ==
        "unknown tls_ssl_options value \"NO_SUCH\" in \"NO_SUCH\"");
  CHECK(error([](auto& o) { o.ticket_cipher = "rot13"; }) ==
        "unusable tls_session_ticket_cipher: \"rot13\"");
  CHECK(error([](auto& o) { o.fingerprint_digest = "crc"; }) ==
        "unknown digest algorithm \"crc\"");
  CHECK(error([](auto&) {}) == "none");
  ServerOptions bare;
  auto none = ServerContext::open(bare);
  REQUIRE(none);
  CHECK((*none)->problems() ==
        std::vector<std::string>{
            "No server certs available. TLS won't be enabled"});
}

TEST_CASE("a name asked by SNI has its own certificate, or its parent's",
          "[tls]") {
  World w;
  w.open();
  auto own = named("own.example");
  std::vector<std::string> asked;
  w.server->set_sni_lookup(
      [&](const std::string& name) -> Result<std::optional<std::string>> {
        asked.push_back(name);
        if (name == "broken.example") return std::string("nonsense");
        if (name == ".example.net" || name == "own.example") {
          return own.key + own.certificate;
        }
        return std::nullopt;
      });
  auto ask = [&](const char* name) {
    ClientPolicy policy;
    policy.servername = name;
    Pair pair = w.connect(policy);
    pair.run();
    REQUIRE(pair.done());
    return pair.client->summary().peer_cn + " " + pair.server->summary().sni;
  };
  CHECK(ask("Own.example") == "own.example own.example");
  asked.clear();
  CHECK(ask("a.b.example.net") == "own.example a.b.example.net");
  CHECK(asked == std::vector<std::string>{"a.b.example.net", ".b.example.net",
                                          ".example.net"});
  CHECK(ask("unknown.example") == "mail.example.org ");
  CHECK(ask("broken.example") == "mail.example.org ");
  CHECK(w.server->problems().size() == 1);
}

TEST_CASE("a client follows a renewed authority file", "[tls]") {
  World w({}, true);
  w.open();
  ClientPolicy policy;
  Pair before = w.connect(policy);
  before.run();
  CHECK(before.client->summary().trust == Trust::Untrusted);
  auto server = read_file(w.folder.path + "/server.pem");
  REQUIRE(server);
  w.folder.write("ca.pem", *server);
  w.client->refresh(Clock::now());
  Pair after = w.connect(policy);
  after.run();
  CHECK(after.client->summary().trust == Trust::Trusted);
  w.folder.write("ca.pem", "nonsense");
  w.client->refresh(Clock::now() + 5s);
  CHECK(w.client->problems().size() == 1);
  Pair still = w.connect(policy);
  still.run();
  CHECK(still.client->summary().trust == Trust::Trusted);
}
