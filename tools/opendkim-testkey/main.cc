// opendkim-testkey(8): is what DNS says of a key what the key's owner has?
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/file.h"
#include "tools/opendkim-testkey/lookup.h"
#include "tools/opendkim/common.h"
#include "tools/opendkim/diagnosis.h"

namespace mail::opendkim_tools {

namespace {

constexpr char kProgram[] = "opendkim-testkey";
constexpr char kUsage[] =
    "opendkim-testkey: usage: opendkim-testkey [options]\n"
    "\t-d domain  \tdomain name\n"
    "\t-k keypath \tpath to private key\n"
    "\t-s selector\tselector name\n"
    "\t-v         \tincrease verbose output\n"
    "\t-x conffile\tconfiguration file\n";

struct Request {
  std::string domain, selector, key;
  std::optional<std::string> conf;
  int verbosity = 0;
};

std::optional<Request> parse(int argc, char** argv) {
  Request out;
  for (int c; (c = getopt(argc, argv, "d:k:s:vx:")) != -1;) {
    switch (c) {
      case 'd':
        out.domain = optarg;
        break;
      case 'k':
        out.key = optarg;
        break;
      case 's':
        out.selector = optarg;
        break;
      case 'v':
        ++out.verbosity;
        break;
      case 'x':
        out.conf = optarg;
        break;
      default:
        return std::nullopt;
    }
  }
  if (optind != argc) return std::nullopt;
  return out;
}

struct Verdict {
  int status = EX_OK;
  std::string problem;
  std::vector<std::string> hints;
  bool secure = false;
};

Verdict failed(int status, std::string problem,
               std::vector<std::string> hints = {}) {
  return {status, std::move(problem), std::move(hints), false};
}

/// expected: p= of the private key; "" if there is none to compare with.
Verdict judge(const Published& published, const std::string& name,
              const std::string& expected) {
  if (!published.problem.empty()) {
    return failed(EX_UNAVAILABLE, published.problem, published.hints);
  }
  if (published.texts.size() > 1 && !dkim::choose_key_record(published.texts)) {
    return failed(EX_UNAVAILABLE,
                  fmt::format("multiple DNS replies for '{}'", name),
                  {fmt::format("there are {} TXT records of this name: remove "
                               "all but one",
                               published.texts.size())});
  }
  std::string text = *dkim::choose_key_record(published.texts);
  auto record = dkim::read_key_record(text);
  auto hints = diagnose(text, expected);
  using enum dkim::Status;
  switch (record.status) {
    case Good:
      break;
    case KeyRevoked:
      return failed(EX_UNAVAILABLE, "Revoked key");
    case KeyVersion:
      return failed(EX_UNAVAILABLE,
                    fmt::format("invalid key version '{}'", record.version),
                    hints);
    default: {
      std::string problem = record.problem.empty()
                                ? std::string(dkim::status_text(record.status))
                                : record.problem;
      bool garbled = record.status == KeyUnusable && !expected.empty();
      return failed(garbled ? EX_DATAERR : EX_UNAVAILABLE,
                    garbled ? "keys do not match" : problem, hints);
    }
  }
  if (!expected.empty() && base64_encode(record.key_bytes) != expected) {
    return failed(EX_DATAERR, "keys do not match", hints);
  }
  Verdict good;
  good.secure = published.secure;
  return good;
}

class Tester {
 public:
  Tester(const Request& request, const config::opendkim::Conf& conf)
      : request_(request), conf_(conf) {}

  int single(const KeyPlace& place) {
    auto expected = expected_key(place.key);
    if (!expected) {
      complain(kProgram, expected.error().what);
      return expected.error().sys ? EX_OSERR : EX_UNAVAILABLE;
    }
    std::string name = place.selector + "._domainkey." + place.domain;
    if (!place.key.empty()) say(2, "key loaded from " + place.key);
    say(2, fmt::format("checking key '{}'", name));
    Verdict verdict = judge(look_up_key(conf_, place.selector, place.domain),
                            name, *expected);
    if (verdict.status != EX_OK) {
      complain(kProgram, verdict.problem);
      for (const auto& hint : verdict.hints) complain(kProgram, hint);
      return verdict.status;
    }
    say(1, verdict.secure ? "key secure" : "key not secure");
    say(3, "key OK");
    return EX_OK;
  }

  int table(const std::vector<KeyPlace>& places) {
    size_t good = 0;
    for (size_t i = 0; i < places.size(); ++i) {
      say(2, fmt::format("record {} for '{}' retrieved", i, places[i].name));
      say(2, fmt::format("checking key '{}'", places[i].name));
      good += one_of_table(places[i]);
    }
    say(2,
        fmt::format("{} key{} checked; {} pass, {} fail", places.size(),
                    places.size() == 1 ? "" : "s", good, places.size() - good));
    return EX_OK;
  }

 private:
  void say(int level, const std::string& text) {
    if (request_.verbosity >= level) complain(kProgram, text);
  }

  bool one_of_table(const KeyPlace& place) {
    auto expected = expected_key(place.key);
    Verdict verdict =
        expected
            ? judge(look_up_key(conf_, place.selector, place.domain),
                    place.selector + "._domainkey." + place.domain, *expected)
            : failed(EX_OSERR, expected.error().what);
    if (verdict.status == EX_OK) {
      say(1, fmt::format("key {} {}", place.name,
                         verdict.secure ? "secure" : "not secure"));
      say(2, fmt::format("key {}: OK", place.name));
      return true;
    }
    complain(kProgram, fmt::format("key {}: {}", place.name, verdict.problem));
    for (const auto& hint : verdict.hints) {
      complain(kProgram, fmt::format("key {}: {}", place.name, hint));
    }
    return false;
  }

  static Result<std::string> expected_key(const std::string& key) {
    if (key.empty()) return std::string();
    auto read = TRY(read_key(key));
    return base64_encode(read.public_bytes());
  }

  const Request& request_;
  const config::opendkim::Conf& conf_;
};

int usage() {
  (void)write_all(STDERR_FILENO, kUsage);
  return EX_CONFIG;
}

int run(int argc, char** argv) {
  auto request = parse(argc, argv);
  if (!request) return usage();
  auto conf = read_conf(request->conf);
  if (!conf) {
    complain(kProgram, conf.error().what);
    return EX_CONFIG;
  }
  Tester tester(*request, *conf);
  if (request->domain.empty() && request->selector.empty()) {
    if (auto spec = conf->string("KeyTable")) {
      auto places = read_key_table(*spec);
      if (places) return tester.table(*places);
      complain(kProgram, places.error().what);
      return EX_CONFIG;
    }
  }
  KeyPlace place;
  place.domain = request->domain.empty() ? conf->string("Domain").value_or("")
                                         : request->domain;
  place.selector = request->selector.empty()
                       ? conf->string("Selector").value_or("")
                       : request->selector;
  place.key = request->key.empty() && request->domain.empty()
                  ? conf->string("KeyFile").value_or("")
                  : request->key;
  // Of a list of domains the key is checked for the first.
  place.domain = std::string(
      trim(std::string_view(place.domain).substr(0, place.domain.find(','))));
  if (place.domain.empty() || place.selector.empty()) return usage();
  return tester.single(place);
}

}  // namespace

}  // namespace mail::opendkim_tools

int main(int argc, char** argv) {
  return mail::opendkim_tools::run(argc, argv);
}
