#include "dkim-milter/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/config/opendkim/key_table.h"

namespace mail::dkim_milter {

namespace {

using config::opendkim::Conf;
using maps::DataSet;
using Case = DataSet::Case;

Failure bad(std::string text) { return fail(Fault::Config, std::move(text)); }

Result<Set> open_set(const Conf& conf, std::string_view name,
                     Case fold = Case::Fold) {
  auto spec = conf.string(name);
  if (!spec) return Set();
  auto set = DataSet::open(*spec, fold);
  if (!set) {
    // "SPEC: REASON" as the original says it.
    std::string what = set.error().what;
    return bad(
        fmt::format("{}: dkimf_db_open(): {}", *spec,
                    what.substr(std::min(what.size(), spec->size() + 2))));
  }
  return Set(std::move(*set));
}

Result<Names> open_names(const Conf& conf, std::string_view name) {
  Set set = TRY(open_set(conf, name));
  if (!set) return Names();
  return set->keys();
}

Result<> read_modes(const Conf& conf, Settings& out) {
  std::string mode = conf.string("Mode").value_or("sv");
  out.sign = mode.find('s') != std::string::npos;
  out.verify = mode.find('v') != std::string::npos;
  if (size_t at = mode.find_first_not_of("sv"); at != std::string::npos) {
    return bad(fmt::format("unknown mode \"{}\"", mode.substr(at, 1)));
  }
  std::string canon = conf.string("Canonicalization").value_or("simple/simple");
  size_t slash = canon.find('/');
  auto header = dkim::canon_by_name(canon.substr(0, slash));
  auto body = slash == std::string::npos
                  ? dkim::Canon::Simple
                  : dkim::canon_by_name(canon.substr(slash + 1));
  if (!header || !body) {
    return bad(fmt::format(
        "unknown canonicalization algorithm \"{}\"",
        !header ? canon.substr(0, slash) : canon.substr(slash + 1)));
  }
  out.canon = {*header, *body};
  std::string name = conf.string("SignatureAlgorithm").value_or("rsa-sha256");
  auto algorithm = dkim::algorithm_by_name(name);
  if (!algorithm) {
    return bad(fmt::format("unknown signing algorithm \"{}\"", name));
  }
  return {};
}

Reply read_action(std::string_view word, Reply fallback) {
  struct Word {
    std::string_view word;
    Reply reply;
  };
  constexpr Word kWords[] = {
      {"accept", Reply::Accept},     {"a", Reply::Accept},
      {"discard", Reply::Discard},   {"d", Reply::Discard},
      {"reject", Reply::Reject},     {"r", Reply::Reject},
      {"tempfail", Reply::Tempfail}, {"t", Reply::Tempfail},
  };
  for (const Word& w : kWords) {
    if (iequals(w.word, word)) return w.reply;
  }
  return fallback;
}

Actions read_actions(const Conf& conf, std::vector<std::string>& warnings) {
  Actions out;
  auto read = [&](std::string_view name, Reply& action) {
    for (std::string_view source : {std::string_view("On-Default"), name}) {
      if (!conf.is_set(source)) continue;
      std::string word = *conf.string(source);
      constexpr std::string_view kKnown[] = {"accept",     "a", "discard",  "d",
                                             "reject",     "r", "tempfail", "t",
                                             "quarantine", "q"};
      if (std::none_of(std::begin(kKnown), std::end(kKnown),
                       [&](auto k) { return iequals(k, word); })) {
        warnings.push_back(
            fmt::format("{}: unknown action \"{}\", ignored", source, word));
      }
      action = read_action(word, action);
    }
  };
  read("On-BadSignature", out.bad_signature);
  read("On-KeyNotFound", out.key_not_found);
  read("On-DNSError", out.dns_error);
  read("On-InternalError", out.internal_error);
  read("On-NoSignature", out.no_signature);
  read("On-Security", out.security);
  read("On-SignatureError", out.signature_error);
  return out;
}

Result<> read_senders(const Conf& conf, Settings& out) {
  out.domains = TRY(open_set(conf, "Domain"));
  out.internal_hosts = TRY(open_set(conf, "InternalHosts"));
  if (!out.internal_hosts) {
    out.internal_hosts = DataSet::of({"127.0.0.1", "::1"}, Case::Fold);
  }
  out.external_ignore = TRY(open_set(conf, "ExternalIgnoreList"));
  out.peers = TRY(open_set(conf, "PeerList"));
  out.exempt = TRY(open_set(conf, "ExemptDomains"));
  out.no_sign_to = TRY(open_set(conf, "DontSignMailTo"));
  out.mta = TRY(open_set(conf, "MTA", Case::Keep));
  Set macros = TRY(open_set(conf, "MacroList", Case::Keep));
  if (macros && macros->kind() != DataSet::Kind::List &&
      macros->kind() != DataSet::Kind::File) {
    return bad(macros->spec() + ": invalid data set type for MacroList");
  }
  if (macros) {
    std::vector<DataSet::Entry> entries;
    for (const auto& entry : TRY(macros->entries())) {
      for (auto value : split_exact(entry.value, '|')) {
        entries.push_back({entry.key, std::string(trim(value))});
      }
    }
    out.macros = std::move(entries);
  }
  out.sub_domains = conf.boolean("SubDomains");
  out.sender_headers = TRY(open_names(conf, "SenderHeaders"));
  out.sender_headers.push_back("From");
  out.sender_macro = conf.string("SenderMacro").value_or("");
  return {};
}

Result<> read_signing(const Conf& conf, Settings& out) {
  Names sign = TRY(open_names(conf, "SignHeaders"));
  Names omit = TRY(open_names(conf, "OmitHeaders"));
  // The default of OmitHeaders is HeaderChoice's own.
  out.choice.emplace(conf.is_set("SignHeaders") ? &sign : nullptr,
                     conf.is_set("OmitHeaders") ? &omit : nullptr);
  out.oversign = TRY(open_names(conf, "OversignHeaders"));
  long bits = conf.integer("MinimumKeyBits");
  out.min_key_bits = bits <= 0 ? 1024 : static_cast<unsigned>(bits);
  out.signature_ttl = std::max(0L, conf.integer("SignatureTTL"));
  if (conf.is_set("MaximumSignedBytes")) {
    out.max_signed_bytes =
        static_cast<uint64_t>(std::max(0L, conf.integer("MaximumSignedBytes")));
  }
  out.body_length_db = TRY(open_set(conf, "BodyLengthDB"));
  out.fix_crlf = conf.boolean("FixCRLF");
  out.diagnostics = conf.boolean("Diagnostics");
  out.request_reports = conf.boolean("RequestReports");
  out.remove_old_signatures = conf.boolean("RemoveOldSignatures");
  return {};
}

Result<> read_verifying(const Conf& conf, Settings& out) {
  long drift = conf.integer("ClockDrift");
  out.policy.drift = drift <= 0 ? 300 : drift;
  out.policy.min_key_bits = out.min_key_bits;
  out.policy.max_signatures = static_cast<size_t>(
      std::max(0L, conf.integer("MaximumSignaturesToVerify")));
  out.policy.accept_sha1 = conf.boolean("AllowSHA1Only");
  out.policy.must_be_signed = TRY(open_names(conf, "MustBeSigned"));
  out.trusted = TRY(open_set(conf, "TrustSignaturesFrom"));
  if (out.trusted) {
    out.policy.trusted = [set = *out.trusted](std::string_view domain) {
      return set.contains(domain);
    };
  }
  out.remove_ar_from = TRY(open_set(conf, "RemoveARFrom"));
  std::string word = conf.string("UnprotectedKey").value_or("none");
  if (iequals(word, "neutral")) {
    out.unprotected_key = Unprotected::Neutral;
  } else if (iequals(word, "fail")) {
    out.unprotected_key = Unprotected::Fail;
  } else if (!iequals(word, "none")) {
    return bad(fmt::format("unknown key action '{}'", word));
  }
  out.always_add = conf.boolean("AlwaysAddARHeader");
  out.keep_results = conf.boolean("KeepAuthResults");
  out.remove_all_results = conf.boolean("RemoveARAll");
  out.no_header_b = conf.boolean("NoHeaderB");
  out.ignore_malformed = conf.boolean("IgnoreMalformedMail");
  out.software_header =
      conf.boolean("SoftwareHeader") || conf.boolean("X-Header");
  out.required_headers = conf.boolean("RequiredHeaders");
  out.strict_headers = conf.boolean("StrictHeaders");
  out.with_job_id = conf.boolean("AuthservIDWithJobID");
  out.authserv_id = conf.string("AuthservID").value_or("");
  if (out.authserv_id == "HOSTNAME") {
    char name[256] = "";
    (void)gethostname(name, sizeof(name) - 1);
    out.authserv_id = name;
  }
  out.redirect_failures_to = conf.string("RedirectFailuresTo").value_or("");
  out.max_headers =
      static_cast<size_t>(std::max(0L, conf.integer("MaximumHeaders")));
  return {};
}

Result<> read_dns(const Conf& conf, Settings& out) {
  out.dns_timeout =
      static_cast<unsigned>(std::max(0L, conf.integer("DNSTimeout")));
  out.nameservers = conf.string("Nameservers").value_or("");
  out.dns_by_tcp = conf.boolean("DNSConnect");
  out.test_dns = TRY(open_set(conf, "TestDNSData"));
  out.test_keys = conf.string("TestPublicKeys").value_or("");
  if (auto anchor = conf.string("TrustAnchorFile")) {
    if (access(anchor->c_str(), R_OK) != 0) {
      return bad(fmt::format("{}: {}", *anchor, strerror(errno)));
    }
    out.dnssec = true;
  }
  return {};
}

Result<> read_single_key(const Conf& conf, Settings& out,
                         std::vector<std::string>& warnings) {
  auto file = conf.string("KeyFile");
  auto selector = conf.string("Selector");
  if (file.has_value() != selector.has_value()) {
    return bad(
        "KeyFile and Selector must both be defined or both be "
        "undefined");
  }
  if (out.domains && !file) return bad("Domain requires KeyFile and Selector");
  if (!file) return {};
  out.selector = *selector;
  std::string path = *file;
  if (!path.starts_with('/') && !path.starts_with('.')) path = "./" + path;
  out.key = TRY(out.keys->get(path));
  if (out.key->bits() < out.min_key_bits &&
      out.key->type() == crypto::KeyType::Rsa) {
    warnings.push_back(fmt::format(
        "{}: private key too small ({} bits, need at least {}): nothing will "
        "be signed with it",
        path, out.key->bits(), out.min_key_bits));
  }
  return {};
}

void add_local(Settings& out, std::string_view domain) {
  std::string name = lower(domain);
  if (name.empty() || name.find_first_of("%*") != std::string::npos) return;
  out.local_domains.push_back(std::move(name));
}

Result<> add_domains(Settings& out) {
  if (!out.domains) return {};
  for (const auto& domain : TRY(out.domains->keys())) add_local(out, domain);
  return {};
}

// A key that cannot be used is named now, not at each message.
Result<> read_tables(Settings& out, std::vector<std::string>& warnings) {
  for (const auto& entry : TRY(out.key_table->entries())) {
    auto key = config::opendkim::read_key_entry(entry.value);
    if (!key) {
      warnings.push_back(fmt::format("KeyTable entry for '{}' corrupt: {}",
                                     entry.key, key.error().what));
      continue;
    }
    add_local(out, key->domain);
    if (key->depends_on_domain()) continue;
    if (auto read = out.keys->get(key->key); !read) {
      warnings.push_back(fmt::format("error loading key '{}': {}", entry.key,
                                     read.error().what));
    }
  }
  for (const auto& entry : TRY(out.signing_table->entries())) {
    size_t at = entry.key.rfind('@');
    add_local(out, std::string_view(entry.key).substr(
                       at == std::string::npos ? 0 : at + 1));
    auto value = config::opendkim::read_signing_entry(entry.value);
    if (value.key_name == "%") continue;
    if (!out.key_table->contains(value.key_name)) {
      warnings.push_back(fmt::format(
          "signing table references unknown key '{}'", value.key_name));
    }
  }
  return {};
}

Result<> read_keys(const Conf& conf, Settings& out,
                   std::vector<std::string>& warnings) {
  out.key_table = TRY(open_set(conf, "KeyTable", Case::Keep));
  out.signing_table = TRY(open_set(conf, "SigningTable"));
  out.multiple_signatures = conf.boolean("MultipleSignatures");
  if (!out.sign) {
    out.key_table.reset();
    out.signing_table.reset();
    return add_domains(out);
  }
  if (out.signing_table && !out.key_table) {
    return bad("use of SigningTable requires KeyTable");
  }
  if (out.key_table && !out.signing_table) {
    return bad("KeyTable requires either SigningTable or SetupPolicyScript");
  }
  if (out.key_table) {
    out.domains.reset();
    return read_tables(out, warnings);
  }
  TRY(read_single_key(conf, out, warnings));
  return add_domains(out);
}

Result<> read_all(const Conf& conf, Settings& out, Loaded& loaded) {
  TRY(read_modes(conf, out));
  TRY(read_senders(conf, out));
  TRY(read_signing(conf, out));
  TRY(read_verifying(conf, out));
  TRY(read_dns(conf, out));
  TRY(read_keys(conf, out, loaded.warnings));
  out.actions = read_actions(conf, loaded.warnings);
  out.log_why = conf.boolean("LogWhy");
  out.log_success = conf.boolean("SyslogSuccess");
  out.log_results = conf.boolean("LogResults");
  return {};
}

}  // namespace

Result<Loaded> load_settings(const Conf& conf, const std::string& file,
                             const LoadContext& context) {
  Loaded loaded;
  loaded.warnings = conf.unsupported();
  auto out = std::make_shared<Settings>();
  out->file = file;
  out->keys =
      std::make_shared<KeyStore>(context.key_rules, context.keys_before);
  if (auto done = read_all(conf, *out, loaded); !done) {
    return bad(fmt::format("{}: {}", file, done.error().what));
  }
  if (iequals(conf.string("SignatureAlgorithm").value_or(""), "rsa-sha1")) {
    loaded.warnings.push_back(
        "SignatureAlgorithm rsa-sha1 is obsolete (RFC "
        "8301): signing with rsa-sha256");
  }
  if (conf.is_set("X-Header") && conf.boolean("X-Header")) {
    loaded.warnings.push_back(
        "\"X-Header\" deprecated; use \"SoftwareHeader\" instead");
  }
  for (auto& line : out->keys->take_warnings()) {
    loaded.warnings.push_back(std::move(line));
  }
  out->keys->forget_before();
  loaded.settings = std::move(out);
  return loaded;
}

}  // namespace mail::dkim_milter
