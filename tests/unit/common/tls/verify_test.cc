#include "tests/unit/common/tls/pair.h"

using namespace mail;
using namespace mail::tls;

namespace {

ClientPolicy secure(std::vector<std::string> match) {
  ClientPolicy out;
  out.level = Level::Secure;
  out.match = std::move(match);
  return out;
}

// The first problem as it is logged; "" if there is none.
std::string problem_line(const Pair& pair, std::string_view peer = "H") {
  const Summary& s = pair.client->summary();
  if (s.problems.empty()) return "";
  return chain_problem_line(s, s.problems[0], peer);
}

Pair judged(World& w, const ClientPolicy& policy) {
  Pair pair = w.connect(policy);
  pair.run();
  REQUIRE(pair.done());
  return pair;
}

}  // namespace

TEST_CASE("a certificate of our authority and the right name is verified",
          "[tls]") {
  World w;
  for (const char* match : {"hostname", "dot-nexthop", "MAIL.example.org",
                            ".org", ".example.org"}) {
    Pair pair = judged(w, secure({match}));
    CHECK(pair.client->summary().trust == Trust::Verified);
    CHECK(pair.client->summary().matched);
    CHECK(problem_line(pair) == "");
  }
  CHECK(judged(w, {}).client->summary().trust == Trust::Trusted);
  Pair named = judged(w, secure({"hostname"}));
  CHECK(named.client->summary().matched_name == "mail.example.org");
  CHECK(named.client->summary().peer_cn == "mail.example.org");
  CHECK(named.client->summary().issuer_cn == "Test CA");
  CHECK(named.client->summary().issuer == "/CN=Test CA");
}

TEST_CASE("another name is not", "[tls]") {
  World w;
  for (const char* match : {"nexthop", "other.example.org", "ail.example.org",
                            ".mail.example.org"}) {
    Pair pair = judged(w, secure({match}));
    CHECK(pair.client->summary().trust == Trust::Untrusted);
    CHECK_FALSE(pair.client->summary().matched);
    CHECK(problem_line(pair) ==
          "server certificate verification failed for H: num=62:hostname "
          "mismatch");
  }
}

TEST_CASE("wildcards stand for labels, whole ones", "[tls]") {
  test::CertificateOptions options;
  options.dns_names = {"*.example.org"};
  World w(options);
  auto trust = [&](const char* name) {
    return judged(w, secure({name})).client->summary().trust;
  };
  CHECK(trust("mail.example.org") == Trust::Verified);
  CHECK(trust("a.b.example.org") == Trust::Verified);
  CHECK(trust("example.org") == Trust::Untrusted);
  World one(options);
  one.client_options.wildcards_match_several_labels = false;
  Pair pair = judged(one, secure({"a.b.example.org"}));
  CHECK(pair.client->summary().trust == Trust::Untrusted);
}

TEST_CASE("the common name counts only without subject alternative names",
          "[tls]") {
  test::CertificateOptions options;
  options.common_name = "mail.example.org";
  options.dns_names = {"other.example.org"};
  World named(options);
  CHECK_FALSE(judged(named, secure({"hostname"})).client->summary().matched);
  options.dns_names.clear();
  World bare(options);
  CHECK(judged(bare, secure({"hostname"})).client->summary().matched);
}

TEST_CASE("each flaw of a chain has its text", "[tls]") {
  test::CertificateOptions expired;
  expired.valid_from = -7200;
  expired.valid_until = -3600;
  World old(expired);
  CHECK(problem_line(judged(old, secure({"hostname"}))) ==
        "server certificate verification failed for H: certificate has "
        "expired");
  World self({}, true);
  CHECK(problem_line(judged(self, secure({"hostname"}))) ==
        "certificate verification failed for H: self-signed certificate");
  World stranger;
  stranger.client_options.ca_file.clear();
  CHECK(problem_line(judged(stranger, secure({"hostname"}))) ==
        "certificate verification failed for H: untrusted issuer /CN=Test CA");
  CHECK(judged(stranger, {}).client->summary().trust == Trust::Untrusted);
  test::CertificateOptions client_only;
  client_only.client_only = true;
  World wrong(client_only);
  CHECK(problem_line(judged(wrong, secure({"hostname"}))) ==
        "certificate verification failed for H: not designated for use as a "
        "server certificate");
  World chain;
  chain.client_options.ca_file.clear();
  auto& files = chain.server_options.certificates;
  auto leaf = test::make_certificate({}, &test::authority());
  files.chain_files = {chain.folder.write(
      "chain.pem",
      leaf.key + leaf.certificate + test::authority().certificate)};
  CHECK(problem_line(judged(chain, secure({"hostname"}))) ==
        "certificate verification failed for H: untrusted issuer /CN=Test CA");
}

TEST_CASE("fingerprints of certificate or key are enough", "[tls]") {
  World w({}, true);
  Summary seen = judged(w, {}).client->summary();
  ClientPolicy policy;
  policy.level = Level::Fingerprint;
  for (const auto& print :
       {seen.certificate_fingerprint, seen.key_fingerprint}) {
    policy.match = {"00:11", print};
    Summary s = judged(w, policy).client->summary();
    CHECK(s.trust == Trust::Verified);
    CHECK(s.problems.empty());
  }
  policy.match = {std::string(64, '0')};
  Summary s = judged(w, policy).client->summary();
  CHECK(s.trust == Trust::Untrusted);
  CHECK_FALSE(s.matched);
  policy.match = {"AA:BB"};
  CHECK_FALSE(w.client->new_engine(policy, {}, ""));
}

TEST_CASE("a trust anchor of the policy replaces all others", "[tls]") {
  World w({}, true);
  ClientPolicy policy = secure({"hostname"});
  policy.trust_anchor_file = w.folder.path + "/server.pem";
  CHECK(judged(w, policy).client->summary().matched);
}

TEST_CASE("authorities in a directory are found by their hash", "[tls]") {
  World w;
  w.client_options.ca_file.clear();
  w.client_options.ca_path = w.folder.path + "/certs";
  std::filesystem::create_directory(w.client_options.ca_path);
  std::string hash = test::subject_hash(test::authority());
  w.folder.write("certs/" + hash + ".0", test::authority().certificate);
  for (int i = 0; i < 2; ++i) {
    Pair pair = judged(w, secure({"hostname"}));
    CHECK(pair.client->summary().matched);
  }
}

TEST_CASE("dane and none are refused plainly", "[tls]") {
  World w;
  w.open();
  for (Level level : {Level::None, Level::Dane, Level::DaneOnly}) {
    ClientPolicy policy;
    policy.level = level;
    CHECK(w.client->new_engine(policy, {}, "").error().what ==
          "TLS security level " + std::string(name_of(level)) +
              " is not supported here");
  }
}

TEST_CASE("a client's certificate is asked for and judged", "[tls]") {
  World w;
  w.server_options.client_certificate = ServerOptions::ClientCertificate::Ask;
  w.server_options.ca_file = w.client_options.ca_file;
  Pair bare = judged(w, {});
  CHECK_FALSE(bare.server->summary().has_certificate);
  CHECK(received_lines(bare.server->summary()).back() ==
        "\t(Client did not present a certificate)");
  w.server.reset();
  test::CertificateOptions options;
  options.common_name = "client.example";
  w.client_options.certificates.pairs = {w.folder.write(
      "client", test::make_certificate(options, &test::authority()))};
  Pair pair = judged(w, {});
  const Summary& s = pair.server->summary();
  CHECK(s.trust == Trust::Trusted);
  CHECK(s.client_signature == "ECDSA (prime256v1)");
  CHECK(received_lines(s).back() ==
        "\t(Client CN \"client.example\", Issuer \"Test CA\" (verified OK))");
  CHECK(certificate_line(s, "H").starts_with(
      "H: subject_CN=client.example, issuer_CN=Test CA, fingerprint="));
}

TEST_CASE("session keys differ when the policy does", "[tls]") {
  ClientPolicy policy = secure({"nexthop"});
  ServerNames names{"mx.example", "example.org"};
  std::string key = session_key_part(policy, names);
  CHECK(key == session_key_part(policy, names));
  names.nexthop = "example.net";
  CHECK(key != session_key_part(policy, names));
  policy.level = Level::May;
  CHECK(session_key_part(policy, {}) != session_key_part(secure({}), {}));
}
