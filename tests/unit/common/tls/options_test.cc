#include "common/tls/options.h"

#include <catch2/catch.hpp>
#include <cerrno>

#include "common/tls/protocols.h"
#include "common/tls/summary.h"
#include "common/tls/ticket_keys.h"

using namespace mail;
using namespace mail::tls;

TEST_CASE("protocol lists are read in all their forms", "[tls]") {
  CHECK(parse_protocols(">=TLSv1.2").value() == Protocols{0x0303, 0, 0});
  CHECK(parse_protocols(">=tlsv1, <=0x0304").value() ==
        Protocols{0x0301, 0x0304, 0});
  CHECK(parse_protocols("!SSLv2, !SSLv3").value() == Protocols{0, 0, 1});
  CHECK(parse_protocols("TLSv1.2:TLSv1.3").value() == Protocols{0, 0, 0b00111});
  CHECK(parse_protocols("").value() == Protocols{});
  CHECK(parse_protocols("!TLSv9").error().what ==
        "invalid TLS protocol list: !TLSv9");
  CHECK_FALSE(parse_protocols(">="));
  CHECK_FALSE(parse_protocols("TLSv1.2 nonsense"));
}

TEST_CASE("a grade and exclusions make a cipher list", "[tls]") {
  CipherLists lists;
  CHECK(cipher_list("Medium", "eNULL, aNULL", lists).value() ==
        "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH:!eNULL:!aNULL");
  CHECK(cipher_list("null", "", lists).value() == "eNULL:!aNULL");
  CHECK(cipher_list("best", "", lists).error().what ==
        "invalid TLS cipher grade: \"best\"");
}

TEST_CASE("levels are read by name", "[tls]") {
  CHECK(parse_level("Dane-Only") == Level::DaneOnly);
  CHECK(name_of(Level::Fingerprint) == "fingerprint");
  CHECK_FALSE(parse_level("must"));
}

TEST_CASE("the log and the Received header have Postfix's words", "[tls]") {
  Summary s;
  s.protocol = "TLSv1.3";
  s.cipher = "TLS_AES_256_GCM_SHA384";
  s.used_bits = s.algorithm_bits = 256;
  s.key_exchange = "X25519";
  s.server_signature = "RSA-PSS (2048 bits)";
  s.server_digest = "SHA256";
  CHECK(established_line(s, "h.example[192.0.2.1]") ==
        "Anonymous TLS connection established from h.example[192.0.2.1]: "
        "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) "
        "key-exchange X25519 server-signature RSA-PSS (2048 bits) "
        "server-digest SHA256");
  CHECK(received_lines(s) ==
        std::vector<std::string>{
            "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 "
            "bits)",
            "\t key-exchange X25519 server-signature RSA-PSS (2048 bits) "
            "server-digest SHA256)",
            "\t(No client certificate requested)"});
  s.role = Role::Client;
  s.trust = Trust::Untrusted;
  s.reused = true;
  s.key_exchange = s.server_signature = "";
  CHECK(established_line(s, "h[192.0.2.1]:25") ==
        "Untrusted TLS connection established to h[192.0.2.1]:25: TLSv1.3 with "
        "cipher TLS_AES_256_GCM_SHA384 (256/256 bits)");
  CHECK(handshake_failed_line(Role::Server, "h[1]", {Fault::Protocol, "-1"}) ==
        "SSL_accept error from h[1]: -1");
  Error lost{Fault::Temporary, "", ECONNRESET};
  CHECK(handshake_failed_line(Role::Client, "h[1]:25", lost) ==
        "SSL_connect error to h[1]:25: lost connection");
  Error late{Fault::Temporary, "", ETIMEDOUT};
  CHECK(handshake_failed_line(Role::Server, "h[1]", late) ==
        "SSL_accept error from h[1]: Connection timed out");
}

TEST_CASE("ticket keys turn over, and tlsmgr's go first", "[tls]") {
  using namespace std::chrono_literals;
  TicketKeys keys(100s);
  WallTime now = WallClock::from_time_t(1000000);
  CHECK(keys.wants_key(now));
  auto own = keys.current(now).name;
  CHECK(keys.current(now + 99s).name == own);
  auto next = keys.current(now + 100s).name;
  CHECK(next != own);
  std::string_view own_name(own.data(), own.size());
  CHECK(keys.find(own_name, now + 199s));
  CHECK_FALSE(keys.find(own_name, now + 200s));
  TicketKey key;
  key.name.fill('k');
  key.expires = now + 300s;
  auto copy = TicketKey::from_wire(key.to_wire());
  REQUIRE(copy);
  CHECK(copy->expires == key.expires);
  keys.install(*copy);
  CHECK_FALSE(keys.wants_key(now));
  CHECK(keys.wants_key(now + 250s));
  CHECK(keys.current(now).name == key.name);
  CHECK_FALSE(TicketKey::from_wire("short"));
}
