#include "dkim-milter/transaction.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "dkim-milter/filter_log.h"
#include "dkim-milter/header_rules.h"
#include "dkim-milter/version.h"

namespace mail::dkim_milter {

namespace {

/// <a@b> or a@b.
std::string_view without_brackets(std::string_view address) {
  if (address.starts_with('<')) address.remove_prefix(1);
  if (address.ends_with('>')) address.remove_suffix(1);
  return address;
}

Priority priority(Line::Level level) {
  switch (level) {
    case Line::Level::Error:
      return Priority::Error;
    case Line::Level::Notice:
      return Priority::Notice;
    case Line::Level::Info:
      break;
  }
  return Priority::Info;
}

}  // namespace

Transaction::Transaction(const Context& context, const Origin& origin, Mta& mta)
    : context_(context),
      settings_(*context.settings),
      origin_(origin),
      mta_(mta),
      now_(context.fixed_time.value_or(time(nullptr))) {
  if (settings_.fix_crlf) fixer_.emplace();
}

std::string Transaction::job_id() {
  // The MTA tells it only after the first recipient.
  if (!job_) job_ = mta_.macro("i");
  return job_.value_or("(unknown-jobid)");
}

void Transaction::log(Line::Level level, std::string_view text) {
  log_line(priority(level), fmt::format("{}: {}", job_id(), text));
}

void Transaction::rcpt(std::string_view recipient) {
  if (settings_.no_sign_to || settings_.body_length_db ||
      !settings_.redirect_failures_to.empty()) {
    recipients_.emplace_back(without_brackets(recipient));
  }
}

void Transaction::header(std::string_view name, std::string_view value) {
  if (too_large_) return;
  header_bytes_ += name.size() + value.size() + 2;
  if (settings_.max_headers > 0 && header_bytes_ > settings_.max_headers) {
    log_line(Priority::Notice, "too much header data");
    too_large_ = true;
    return;  // end_of_headers() says what becomes of it
  }
  if (name.find(';') != std::string_view::npos) {
    log_line(Priority::Notice, fmt::format("ignoring header field '{}'", name));
    return;
  }
  if (mta_.leading_space()) {
    headers_.add(name, value);
  } else {
    headers_.add(name, " " + std::string(value));
  }
}

bool Transaction::headers_acceptable(Reply& reply) {
  if (too_large_) {
    reply = settings_.actions.security;
    return false;
  }
  if (!settings_.required_headers) return true;
  std::string broken = broken_header_rule(headers_);
  if (broken.empty()) return true;
  log(Line::Level::Info, "RFC5322 header requirement error: " + broken);
  mta_.set_reply("550", "5.0.0", broken);
  reply = Reply::Reject;
  return false;
}

void Transaction::end_of_headers() {
  Reply reply = Reply::Continue;
  if (!headers_acceptable(reply)) {
    early_ = reply;
    return;
  }
  std::vector<Line> lines;
  MessageFacts facts{headers_, recipients_, mta_, origin_};
  decision_ = decide(settings_, facts, lines);
  for (const Line& line : lines) log(line.level, line.text);
  using Kind = Decision::Kind;
  if (settings_.strict_headers && decision_->kind != Kind::Accept &&
      !broken_header_rule(headers_).empty()) {
    decision_->kind = Kind::Malformed;
  }
  if (decision_->kind == Kind::Accept) early_ = Reply::Accept;
  if (decision_->kind == Kind::Sign) begin_signing();
  if (decision_->kind == Kind::Verify) begin_verifying();
}

bool Transaction::wants_length() {
  if (!settings_.body_length_db) return false;
  for (const auto& recipient : recipients_) {
    size_t at = std::min(recipient.rfind('@'), recipient.size());
    std::string user = recipient.substr(0, at);
    std::string domain =
        at < recipient.size() ? recipient.substr(at + 1) : std::string();
    Names forms{recipient, "*@" + domain};
    for (size_t dot = domain.find('.'); dot != std::string::npos;
         dot = domain.find('.', dot + 1)) {
      forms.push_back(user + "@" + domain.substr(dot));
      forms.push_back("*@" + domain.substr(dot));
    }
    forms.push_back(user + "@*");
    forms.emplace_back("*");
    for (const auto& form : forms) {
      if (!settings_.body_length_db->contains(form)) continue;
      log(Line::Level::Info,
          fmt::format("BodyLengthDB matched {}, signing with l= requested",
                      recipient));
      return true;
    }
  }
  return false;
}

void Transaction::begin_signing() {
  std::vector<size_t> fields;
  for (size_t i = 0; i < headers_.fields().size(); ++i) {
    if (settings_.choice->signs(headers_.fields()[i].name)) fields.push_back(i);
  }
  bool partial = settings_.max_signed_bytes.has_value() || wants_length();
  for (SigningJob& job : decision_->jobs) {
    dkim::SigningPlan plan;
    plan.domain = std::move(job.domain);
    plan.selector = std::move(job.selector);
    plan.identity = std::move(job.identity);
    plan.key = std::move(job.key);
    plan.algorithm = plan.key->type() == crypto::KeyType::Ed25519
                         ? dkim::Algorithm::Ed25519Sha256
                         : settings_.rsa_algorithm;
    plan.canon = settings_.canon;
    plan.created = now_;
    if (settings_.signature_ttl > 0) {
      plan.expires = now_ + settings_.signature_ttl;
    }
    plan.partial = partial;
    plan.request_reports = settings_.request_reports;
    plan.copy_headers = settings_.diagnostics;
    plan.fields = fields;
    plan.oversign = settings_.oversign;
    plan_bodies_.push_back(hashes_.want(plan.canon.body,
                                        dkim::hash_of(plan.algorithm),
                                        settings_.max_signed_bytes));
    plans_.push_back(std::move(plan));
  }
}

void Transaction::begin_verifying() {
  verifier_.emplace(settings_.policy, headers_, now_);
  verifier_->begin(decision_->sender_domain);
  // The answers come while the body does.
  for (const auto& check : verifier_->checks()) {
    pending_.push_back(
        check.needs_key ? context_.key_source->ask(check.signature.key_name())
                        : nullptr);
  }
}

Reply Transaction::body(std::string_view bytes) {
  // The headers have no answer of their own: it is given here.
  if (early_) return *early_;
  if (!decision_ || (plans_.empty() && !verifier_)) return Reply::Skip;
  std::string fixed;
  if (fixer_) {
    fixer_->update(bytes, fixed);
    bytes = fixed;
  }
  if (verifier_) {
    verifier_->body(bytes);
    return verifier_->wants_body() ? Reply::Continue : Reply::Skip;
  }
  hashes_.update(bytes);
  return hashes_.satisfied() ? Reply::Skip : Reply::Continue;
}

Reply Transaction::end_of_message() {
  if (early_) return *early_;
  if (!decision_) return Reply::Continue;
  if (fixer_) {
    std::string rest;
    fixer_->finish(rest);
    if (verifier_) verifier_->body(rest);
    hashes_.update(rest);
  }
  switch (decision_->kind) {
    case Decision::Kind::Accept:
      return Reply::Accept;
    case Decision::Kind::Malformed:
      return finish_malformed();
    case Decision::Kind::Sign:
      return sign();
    case Decision::Kind::Verify:
      return verify();
  }
  return Reply::Accept;
}

void Transaction::insert(const std::string& name, const std::string& value) {
  if (mta_.insert_header(0, name, value)) return;
  log(Line::Level::Error, fmt::format("{} header add failed", name));
}

std::string Transaction::authserv_id() {
  std::string id = settings_.authserv_id;
  if (id.empty()) id = mta_.macro("j").value_or("unknown-host");
  return settings_.with_job_id ? id + "/" + job_id() : id;
}

void Transaction::add_software_header() {
  if (!settings_.software_header) return;
  insert("DKIM-Filter",
         fmt::format("{} v{} {} {}", kProduct, kVersion,
                     mta_.macro("j").value_or("unknown-host"), job_id()));
}

void Transaction::remove_forged() {
  std::vector<std::string> warnings;
  for (int index :
       forged_results(settings_, authserv_id(), headers_, warnings)) {
    if (!mta_.delete_header("Authentication-Results", index)) {
      log_line(Priority::Warning,
               "failed to remove Authentication-Results: header");
    }
  }
  for (const auto& warning : warnings) {
    log_line(Priority::Warning, fmt::format("{}: {}", job_id(), warning));
  }
}

Reply Transaction::finish_malformed() {
  if (settings_.ignore_malformed) return Reply::Accept;
  remove_forged();
  insert("Authentication-Results", malformed_value(authserv_id()));
  return Reply::Accept;
}

Reply Transaction::sign() {
  if (settings_.remove_old_signatures) {
    for (size_t i = headers_.find("DKIM-Signature").size(); i > 0; --i) {
      (void)mta_.delete_header("DKIM-Signature", static_cast<int>(i));
    }
  }
  hashes_.finish();
  std::vector<std::string> values;
  for (size_t i = 0; i < plans_.size(); ++i) {
    const auto& plan = plans_[i];
    Result<std::string> made =
        plan.key->type() == crypto::KeyType::Rsa &&
                plan.key->bits() < settings_.min_key_bits
            ? fail(Fault::Permanent,
                   fmt::format("private key too small ({} bits, need at least "
                               "{})",
                               plan.key->bits(), settings_.min_key_bits))
            : dkim::make_signature(plan, headers_,
                                   hashes_.digest(plan_bodies_[i]),
                                   hashes_.size(plan_bodies_[i]));
    if (!made) {
      log(Line::Level::Error,
          "signature generation error: " + made.error().what);
      return answer(settings_.actions.signature_error, "DKIM signing error");
    }
    std::erase(*made, '\r');
    values.push_back(std::move(*made));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    insert("DKIM-Signature", values[i]);
    if (settings_.log_success) {
      log(Line::Level::Info,
          fmt::format("DKIM-Signature field added (s={}, d={})",
                      plans_[i].selector, plans_[i].domain));
    }
  }
  add_software_header();
  return Reply::Accept;
}

Reply Transaction::answer(Reply action, std::string_view text,
                          std::string_view temporary_status) {
  if (text.empty()) return action;
  if (action == Reply::Reject) {
    mta_.set_reply("550", "5.7.0", std::string(text));
  } else if (action == Reply::Tempfail) {
    mta_.set_reply("451", std::string(temporary_status), std::string(text));
  }
  return action;
}

}  // namespace mail::dkim_milter
