// opendkim-genzone(8): a KeyTable's public keys as DNS zone data.
#include <fcntl.h>
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/number.h"
#include "tools/opendkim-genzone/zone.h"

namespace mail::opendkim_tools {

namespace {

constexpr char kProgram[] = "opendkim-genzone";
constexpr char kUsage[] =
    "opendkim-genzone: usage: opendkim-genzone [opts] [dataset]\n"
    "\t-C user@host\tcontact address to include in SOA\n"
    "\t-d domain   \twrite keys for named domain only\n"
    "\t-D          \tinclude '._domainkey' suffix\n"
    "\t-E secs     \tuse specified expiration time in SOA\n"
    "\t-F          \tinclude '._domainkey' suffix and domainname\n"
    "\t-M          \trestricts the keys for use in e-mail signing only\n"
    "\t-o file     \toutput file\n"
    "\t-N ns[,...] \tlist NS records\n"
    "\t-r secs     \tuse specified refresh time in SOA\n"
    "\t-R secs     \tuse specified retry time in SOA\n"
    "\t-s          \twith -d, also match subdomains\n"
    "\t-S          \twrite an SOA record\n"
    "\t-t secs     \tuse specified per-record TTL\n"
    "\t-T secs     \tuse specified default TTL in SOA\n"
    "\t-u          \tproduce output suitable for use by \"nsupdate\"\n"
    "\t-v          \tverbose output\n"
    "\t-x file     \tconfiguration file\n";

struct Request {
  ZoneStyle style;
  std::string output, dataset;
  std::optional<std::string> conf;
  bool verbose = false;
};

bool read_seconds(const char* text, std::string_view what, long& out) {
  auto value = parse_number<long>(text);
  if (!value || *value < 0) {
    complain(kProgram, fmt::format("invalid {} value", what));
    return false;
  }
  out = *value;
  return true;
}

bool usage() {
  (void)write_all(STDERR_FILENO, kUsage);
  return false;
}

bool apply(int letter, Request& out) {
  ZoneStyle& style = out.style;
  switch (letter) {
    case 'C':
      style.contact = optarg;
      return true;
    case 'd':
      style.domain = optarg;
      return true;
    case 'D':
      style.suffix = true;
      return true;
    case 'E':
      return read_seconds(optarg, "expire time", style.expire);
    case 'F':
      style.full = true;
      return true;
    case 'M':
      style.email_only = true;
      return true;
    case 'N':
      style.name_servers = optarg;
      return true;
    case 'o':
      out.output = optarg;
      return true;
    case 'r':
      return read_seconds(optarg, "refresh time", style.refresh);
    case 'R':
      return read_seconds(optarg, "retry time", style.retry);
    case 's':
      style.subdomains = true;
      return true;
    case 'S':
      style.soa = true;
      return true;
    case 't':
      return read_seconds(optarg, "TTL", style.ttl);
    case 'T':
      return read_seconds(optarg, "default TTL", style.default_ttl);
    case 'u':
      style.nsupdate = true;
      return true;
    case 'v':
      out.verbose = true;
      return true;
    case 'x':
      out.conf = optarg;
      return true;
    default:
      return usage();
  }
}

std::optional<Request> parse(int argc, char** argv) {
  Request out;
  for (int c; (c = getopt(argc, argv, "C:d:DE:FMN:o:r:R:sSt:T:uvx:")) != -1;) {
    if (!apply(c, out)) return std::nullopt;
  }
  if (argc - optind > 1) {
    usage();
    return std::nullopt;
  }
  if (optind < argc) out.dataset = argv[optind];
  if (out.style.subdomains && out.style.domain.empty()) {
    complain(kProgram, "subdomain matching requires a domain");
    return std::nullopt;
  }
  return out;
}

Result<std::string> key_table_spec(const Request& request) {
  if (!request.dataset.empty()) return request.dataset;
  auto conf = TRY(read_conf(request.conf));
  auto table = conf.string("KeyTable");
  if (!table) return fail(Fault::Config, "no KeyTable in the configuration");
  return *table;
}

int run(int argc, char** argv) {
  auto request = parse(argc, argv);
  if (!request) return EX_USAGE;
  auto spec = key_table_spec(*request);
  if (!spec) {
    complain(kProgram, spec.error().what);
    return spec.error().what.starts_with("no KeyTable") ? EX_USAGE : EX_CONFIG;
  }
  auto table = read_key_table(*spec);
  if (!table) {
    complain(kProgram, table.error().what);
    return 1;
  }
  if (request->verbose) complain(kProgram, "database opened");
  std::vector<std::string> skipped;
  auto text = zone_text(request->style, *table, skipped);
  for (const auto& line : skipped) complain(kProgram, line);
  if (!text) {
    complain(kProgram, text.error().what);
    return 1;
  }
  auto written = request->output.empty()
                     ? write_all(STDOUT_FILENO, *text)
                     : replace_file(request->output, *text, 0644);
  if (!written) {
    complain(kProgram, written.error().what);
    return 1;
  }
  if (request->verbose) {
    complain(kProgram, fmt::format("{} record{} written", table->size(),
                                   table->size() == 1 ? "" : "s"));
  }
  return EX_OK;
}

}  // namespace

}  // namespace mail::opendkim_tools

int main(int argc, char** argv) {
  return mail::opendkim_tools::run(argc, argv);
}
