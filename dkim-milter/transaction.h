#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/dkim/body_hashes.h"
#include "common/dkim/sign.h"
#include "dkim-milter/decision.h"
#include "dkim-milter/key_source.h"
#include "dkim-milter/results.h"

namespace mail::dkim_milter {

/// What all messages of a connection share; unchanged while it lasts.
struct Context {
  SettingsPtr settings;
  std::shared_ptr<KeySource> key_source;
  std::optional<int64_t> fixed_time;  ///< -F: instead of the clock
};

/// One message through the filter:
///   rcpt... → header... → end_of_headers → body... → end_of_message
/// The headers are held (MaximumHeaders), the body streams.
class Transaction {
 public:
  /// context, origin, mta: outlive it.
  Transaction(const Context& context, const Origin& origin, Mta& mta);

  void rcpt(std::string_view recipient);
  /// value: as the MTA gives it; Mta::leading_space says what is missing.
  void header(std::string_view name, std::string_view value);
  /// What it finds is answered to the body, or to the end of the message.
  void end_of_headers();
  Reply body(std::string_view bytes);
  Reply end_of_message();

  /// Test mode: what verifying found.
  const std::vector<dkim::Check>& checks() const;
  bool verifies() const { return verifier_.has_value(); }

 private:
  bool headers_acceptable(Reply& reply);
  void begin_signing();
  void begin_verifying();
  void wait_for_keys();
  Reply sign();
  Reply finish_malformed();
  Reply verify();
  Reply judge(bool added_results);
  Reply act_on(const dkim::Check& check);
  Reply answer(Reply action, std::string_view text,
               std::string_view temporary_status = "4.7.0");
  void report(const std::vector<dkim::Check>& checks);
  void report_one(const dkim::Check& check);
  void log_results(const std::vector<dkim::Check>& checks);
  void remove_forged();
  void insert(const std::string& name, const std::string& value);
  void add_software_header();
  void redirect();
  bool wants_length();
  std::string authserv_id();
  std::string job_id();
  void log(Line::Level level, std::string_view text);
  const dkim::Check* overall() const;

  const Context& context_;
  const Settings& settings_;
  const Origin& origin_;
  Mta& mta_;
  int64_t now_;
  std::vector<std::string> recipients_;
  dkim::HeaderBlock headers_;
  size_t header_bytes_ = 0;
  bool too_large_ = false;
  std::optional<std::string> job_;
  std::optional<Reply> early_;  // what the headers alone have decided
  std::optional<Decision> decision_;
  std::vector<dkim::SigningPlan> plans_;
  std::vector<size_t> plan_bodies_;
  dkim::BodyHashes hashes_;  // of what is signed
  std::optional<dkim::Verifier> verifier_;
  std::vector<PendingPtr> pending_;  // one for each check, or null
  std::optional<dkim::LineEndFixer> fixer_;
};

}  // namespace mail::dkim_milter
