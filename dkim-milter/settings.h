#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/opendkim/conf.h"
#include "common/dkim/header_choice.h"
#include "common/dkim/verify.h"
#include "common/maps/data_set.h"
#include "dkim-milter/key_store.h"
#include "dkim-milter/mta.h"

namespace mail::dkim_milter {

/// On-BadSignature and its like.
struct Actions {
  Reply bad_signature = Reply::Accept;
  Reply key_not_found = Reply::Accept;
  Reply dns_error = Reply::Accept;  ///< tempfail when the file asks for it
  Reply internal_error = Reply::Tempfail;
  Reply no_signature = Reply::Accept;
  Reply security = Reply::Tempfail;
  Reply signature_error = Reply::Reject;
};

/// What a key without DNSSEC is worth (UnprotectedKey).
enum class Unprotected { None, Neutral, Fail };

using Set = std::optional<maps::DataSet>;
using Names = std::vector<std::string>;

/// All that an opendkim.conf says about messages, read and checked; never
/// changed afterwards, so all threads may look. What concerns the process
/// (socket, ids, files) is in process.h.
struct Settings {
  std::string file;  ///< where it came from
  bool sign = true, verify = true;

  // Whose mail is signed.
  Set domains, internal_hosts, external_ignore, peers, exempt, no_sign_to, mta;
  std::optional<std::vector<maps::DataSet::Entry>> macros;  ///< MacroList
  bool sub_domains = false;
  Names sender_headers;
  std::string sender_macro;
  Set key_table, signing_table;
  bool multiple_signatures = false;
  std::string selector;  ///< with key: the single-key set-up
  KeyPtr key;
  std::shared_ptr<KeyStore> keys;
  Names local_domains;  ///< lower case; those that tables or Domain sign

  // How it is signed.
  dkim::CanonPair canon;
  dkim::Algorithm rsa_algorithm = dkim::Algorithm::RsaSha256;
  std::optional<dkim::HeaderChoice> choice;
  Names oversign;
  unsigned min_key_bits = 1024;
  long signature_ttl = 0;
  std::optional<uint64_t> max_signed_bytes;
  Set body_length_db;
  bool fix_crlf = false, diagnostics = false, request_reports = false;
  bool remove_old_signatures = false;

  // How it is verified.
  dkim::VerifyPolicy policy;
  Set trusted, remove_ar_from;
  Unprotected unprotected_key = Unprotected::None;
  bool always_add = false, keep_results = false, remove_all_results = false;
  bool no_header_b = false, ignore_malformed = false, software_header = false;
  bool required_headers = false, strict_headers = false, with_job_id = false;
  std::string authserv_id;  ///< "": macro j
  std::string redirect_failures_to;
  size_t max_headers = 65536;
  Actions actions;

  // Keys from DNS, or instead of it.
  unsigned dns_timeout = 5;  ///< seconds; 0: for ever
  bool dnssec = false;       ///< a trust anchor is configured
  std::string nameservers;   ///< "": resolv.conf
  bool dns_by_tcp = false;
  Set test_dns;
  std::string test_keys;  ///< a file

  bool log_why = false, log_success = false, log_results = false;
};

using SettingsPtr = std::shared_ptr<const Settings>;

struct LoadContext {
  KeyStore::Rules key_rules;
  std::shared_ptr<KeyStore> keys_before;  ///< of the snapshot replaced
};
struct Loaded {
  SettingsPtr settings;
  /// Lines for the log: settings that do nothing, keys that cannot be used.
  std::vector<std::string> warnings;
};
/// Opens tables, reads keys. Errors: Config, "FILE: TEXT" as opendkim words
/// it, where it does.
Result<Loaded> load_settings(const config::opendkim::Conf& conf,
                             const std::string& file,
                             const LoadContext& context);

}  // namespace mail::dkim_milter
