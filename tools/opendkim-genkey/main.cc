// opendkim-genkey(8): a private key, and the DNS record of its public key.
#include <errno.h>
#include <fmt/format.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "common/base/base64.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "tools/opendkim/common.h"

namespace mail::opendkim_tools {

namespace {

constexpr char kProgram[] = "opendkim-genkey";
constexpr char kUsage[] =
    "opendkim-genkey: usage: opendkim-genkey [options]\n"
    "\t--append-domain        include domain name in zone file stub\n"
    "\t--bits=n               use n bits to generate the key\n"
    "\t--directory=path       leave output in the named directory\n"
    "\t--domain=name          generate data for the named domain [localhost]\n"
    "\t--hash-algorithms=list limit to use of the named algorithm(s)\n"
    "\t--help                 print help and exit\n"
    "\t--note=string          include specified note in zone data\n"
    "\t--restrict             restrict key to email use only\n"
    "\t--selector=name        selector name [default]\n"
    "\t--subdomains           allow signing of subdomains\n"
    "\t--testmode             indicate key is in test mode\n"
    "\t--type=name            rsa or ed25519 [rsa]\n"
    "\t--verbose              increased output\n"
    "\t--version              print version and exit\n";
constexpr size_t kPiece = 250;  // of p= in one string of the record

enum Long { kType = 256, kHelp };

constexpr option kLongOptions[] = {
    {"append-domain", no_argument, nullptr, 'a'},
    {"bits", required_argument, nullptr, 'b'},
    {"directory", required_argument, nullptr, 'D'},
    {"domain", required_argument, nullptr, 'd'},
    {"hash-algorithms", required_argument, nullptr, 'h'},
    {"help", no_argument, nullptr, kHelp},
    {"note", required_argument, nullptr, 'n'},
    {"restrict", no_argument, nullptr, 'r'},
    {"selector", required_argument, nullptr, 's'},
    {"subdomains", no_argument, nullptr, 'u'},
    {"nosubdomains", no_argument, nullptr, 'S'},
    {"testmode", no_argument, nullptr, 't'},
    {"type", required_argument, nullptr, kType},
    {"verbose", no_argument, nullptr, 'v'},
    {"version", no_argument, nullptr, 'V'},
    {nullptr, 0, nullptr, 0}};

struct Request {
  bool append_domain = false, restrict = false, subdomains = true;
  bool test_mode = false, verbose = false, ed25519 = false;
  unsigned bits = 2048;
  std::string directory, domain = "localhost", hashes = "sha256", note;
  std::string selector = "default";
};

/// nullopt: the status to end with stands in `status`.
std::optional<Request> parse(int argc, char** argv, int& status) {
  Request out;
  status = 1;
  for (int c; (c = getopt_long(argc, argv, "ab:D:d:h:n:rs:StvV", kLongOptions,
                               nullptr)) != -1;) {
    switch (c) {
      case 'a':
        out.append_domain = true;
        break;
      case 'b':
        out.bits = parse_number<unsigned>(optarg).value_or(0);
        if (out.bits == 0) {
          complain(kProgram, fmt::format("invalid number of bits: {}", optarg));
          return std::nullopt;
        }
        break;
      case 'D':
        out.directory = optarg;
        break;
      case 'd':
        out.domain = optarg;
        break;
      case 'h':
        out.hashes = optarg;
        break;
      case 'n':
        out.note = optarg;
        break;
      case 'r':
        out.restrict = true;
        break;
      case 's':
        out.selector = optarg;
        break;
      case 'u':
        out.subdomains = true;
        break;
      case 'S':
        out.subdomains = false;
        break;
      case 't':
        out.test_mode = true;
        break;
      case kType:
        out.ed25519 = std::string_view(optarg) == "ed25519";
        if (!out.ed25519 && std::string_view(optarg) != "rsa") {
          complain(kProgram, fmt::format("unknown key type: {}", optarg));
          return std::nullopt;
        }
        break;
      case 'v':
        out.verbose = true;
        break;
      case 'V':
        print("opendkim-genkey v2.11.0\n");
        status = 0;
        return std::nullopt;
      default:  // "-?" is asked for; getopt says '?' to what it does not know
        (void)write_all(STDERR_FILENO, kUsage);
        status = c == kHelp || optopt == '?' ? 0 : 1;
        return std::nullopt;
    }
  }
  return out;
}

std::string record_of(const Request& request, const crypto::PrivateKey& key) {
  std::string tags = "v=DKIM1; ";
  if (!request.note.empty())
    tags += fmt::format("n=\\\"{}\\\"; ", request.note);
  tags += fmt::format("h={}; k={}; ", request.hashes,
                      request.ed25519 ? "ed25519" : "rsa");
  std::string flags = request.test_mode ? "y" : "";
  if (!request.subdomains) flags += flags.empty() ? "s" : ":s";
  if (!flags.empty()) tags += fmt::format("t={}; ", flags);
  if (request.restrict) tags += "s=email; ";
  std::string name = request.selector + "._domainkey";
  if (request.append_domain) name += "." + request.domain + ".";
  std::string out = fmt::format("{}\tIN\tTXT\t( \"{}\"", name, tags);
  std::string value = base64_encode(key.public_bytes());
  for (size_t at = 0; at < value.size(); at += kPiece) {
    out += fmt::format("\n\t  \"{}{}\"", at == 0 ? "p=" : "",
                       value.substr(at, kPiece));
  }
  return out + fmt::format(" )  ; ----- DKIM key {} for {}\n", request.selector,
                           request.domain);
}

int run(int argc, char** argv) {
  int status = 0;
  auto request = parse(argc, argv, status);
  if (!request) return status;
  auto say = [&](std::string_view text) {
    if (request->verbose) complain(kProgram, text);
  };
  if (!request->directory.empty() && chdir(request->directory.c_str()) < 0) {
    complain(kProgram, fmt::format("{}: chdir(): {}", request->directory,
                                   strerror(errno)));
    return 2;
  }
  if (request->bits < 1024 && !request->ed25519) {
    complain(kProgram, "WARNING: RFC6376 advises minimum 1024-bit keys");
  }
  say("generating private key");
  auto key =
      request->ed25519
          ? Result<crypto::PrivateKey>(crypto::PrivateKey::generate_ed25519())
          : crypto::PrivateKey::generate_rsa(request->bits);
  if (!key) {
    complain(kProgram, "cannot make the key: " + key.error().what);
    return 1;
  }
  std::string base = request->selector;
  if (auto done = replace_file(base + ".private", key->pem(), 0600); !done) {
    complain(kProgram, done.error().what);
    return 1;
  }
  say(fmt::format("private key written to {}.private", base));
  say("extracting public key");
  if (auto done = replace_file(base + ".txt", record_of(*request, *key), 0600);
      !done) {
    complain(kProgram, done.error().what);
    return 1;
  }
  say(fmt::format("DNS TXT record written to {}.txt", base));
  return 0;
}

}  // namespace

}  // namespace mail::opendkim_tools

int main(int argc, char** argv) {
  return mail::opendkim_tools::run(argc, argv);
}
