// opendkim-testmsg(8): signs or verifies one message on standard input.
#include <fmt/format.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/dkim/header_choice.h"
#include "common/dkim/sign.h"
#include "common/dkim/verify.h"
#include "tools/opendkim-testkey/lookup.h"
#include "tools/opendkim/common.h"

namespace mail::opendkim_tools {

namespace {

constexpr char kProgram[] = "opendkim-testmsg";
constexpr char kUsage[] =
    "opendkim-testmsg: usage: opendkim-testmsg [options]\nValid options:\n"
    "\t-C         \tpreserve CRLFs\n"
    "\t-d domain  \tset signing domain\n"
    "\t-K         \tkeep temporary files\n"
    "\t-k keyfile \tprivate key file\n"
    "\t-s selector\tset signing selector\n"
    "\t-t path    \tdirectory for temporary files\n";
constexpr size_t kMaxMessage = 256u << 20;

struct Request {
  std::string domain, selector, key;
  bool keep_crlf = false;
};

struct Message {
  std::string text;  // all of it, CRLF line ends
  dkim::HeaderBlock headers;
  std::string_view body;
};

void read_message(std::string text, Message& out) {
  dkim::LineEndFixer fixer;
  fixer.update(text, out.text);
  fixer.finish(out.text);
  std::string_view rest = out.text;
  std::string field;
  auto flush = [&] {
    size_t colon = field.find(':');
    if (colon != std::string::npos) {
      out.headers.add(std::string_view(field).substr(0, colon),
                      std::string_view(field).substr(colon + 1));
    }
    field.clear();
  };
  while (!rest.empty()) {
    size_t end = rest.find("\r\n");
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), line.size() + 2));
    if (line.empty()) break;
    if ((line[0] == ' ' || line[0] == '\t') && !field.empty()) {
      field += "\r\n";
    } else {
      flush();
    }
    field += line;
  }
  flush();
  out.body = rest;
}

int sign(const Request& request, const Message& message) {
  auto key = read_key(request.key);
  if (!key) {
    complain(kProgram, key.error().what);
    return EX_OSERR;
  }
  dkim::SigningPlan plan;
  plan.domain = request.domain;
  plan.selector = request.selector;
  plan.key = std::make_shared<const crypto::PrivateKey>(std::move(*key));
  plan.algorithm = plan.key->type() == crypto::KeyType::Ed25519
                       ? dkim::Algorithm::Ed25519Sha256
                       : dkim::Algorithm::RsaSha256;
  plan.canon.header = dkim::Canon::Relaxed;
  plan.created = time(nullptr);
  dkim::HeaderChoice choice(nullptr, nullptr);
  for (size_t i = 0; i < message.headers.fields().size(); ++i) {
    if (choice.signs(message.headers.fields()[i].name)) {
      plan.fields.push_back(i);
    }
  }
  dkim::BodyHasher body(plan.canon.body, dkim::hash_of(plan.algorithm),
                        std::nullopt);
  body.update(message.body);
  std::string digest = body.finish();
  auto made = dkim::make_signature(plan, message.headers, digest, body.size());
  if (!made) {
    complain(kProgram, "dkim_eom(): " + made.error().what);
    return EX_SOFTWARE;
  }
  std::string out =
      fmt::format("DKIM-Signature: {}\r\n{}", *made, message.text);
  if (!request.keep_crlf) std::erase(out, '\r');
  print(out);
  return EX_OK;
}

dkim::KeyAnswer answer_for(const dkim::Signature& signature) {
  auto found = look_up_key(config::opendkim::Conf(), signature.selector,
                           signature.domain);
  dkim::KeyAnswer out;
  if (auto text = dkim::choose_key_record(found.texts)) {
    out.kind = dkim::KeyAnswer::Kind::Found;
    out.record =
        std::make_shared<const dkim::KeyRecord>(dkim::read_key_record(*text));
  } else if (found.problem.ends_with("not found")) {
    out.kind = dkim::KeyAnswer::Kind::NotFound;
  }
  return out;
}

int verify(const Message& message) {
  dkim::VerifyPolicy policy;
  dkim::Verifier verifier(policy, message.headers, time(nullptr));
  verifier.begin("");
  if (verifier.checks().empty()) {
    complain(kProgram, "dkim_chunk(): No signature");
    return EX_SOFTWARE;
  }
  for (size_t i = 0; i < verifier.checks().size(); ++i) {
    if (!verifier.checks()[i].needs_key) continue;
    verifier.set_key(i, answer_for(verifier.checks()[i].signature));
  }
  verifier.body(message.body);
  verifier.finish();
  for (const auto& check : verifier.checks()) {
    if (check.status == dkim::Status::Good) return EX_OK;
  }
  auto status = verifier.checks().front().status;
  complain(kProgram, fmt::format("dkim_eom(): {}",
                                 status == dkim::Status::KeyFailure ||
                                         status == dkim::Status::KeyNotFound
                                     ? "Key retrieval failed"
                                     : dkim::status_text(status)));
  return EX_SOFTWARE;
}

int run(int argc, char** argv) {
  Request request;
  for (int c; (c = getopt(argc, argv, "Cd:Kk:s:t:")) != -1;) {
    switch (c) {
      case 'C':
        request.keep_crlf = true;
        break;
      case 'd':
        request.domain = optarg;
        break;
      case 'k':
        request.key = optarg;
        break;
      case 's':
        request.selector = optarg;
        break;
      case 'K':
      case 't':
        break;  // there are no temporary files
      default:
        (void)write_all(STDERR_FILENO, kUsage);
        return EX_CONFIG;
    }
  }
  bool any = !request.domain.empty() || !request.key.empty() ||
             !request.selector.empty();
  bool all = !request.domain.empty() && !request.key.empty() &&
             !request.selector.empty();
  if (any != all || optind != argc) {
    (void)write_all(STDERR_FILENO, kUsage);
    return EX_CONFIG;
  }
  auto text = read_file("/dev/stdin", kMaxMessage);
  if (!text) {
    complain(kProgram, text.error().what);
    return EX_OSERR;
  }
  Message message;
  read_message(std::move(*text), message);
  return all ? sign(request, message) : verify(message);
}

}  // namespace

}  // namespace mail::opendkim_tools

int main(int argc, char** argv) {
  return mail::opendkim_tools::run(argc, argv);
}
