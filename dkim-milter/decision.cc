#include "dkim-milter/decision.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/dkim/signature.h"
#include "common/mime/address.h"
#include "common/mime/address_list.h"
#include "dkim-milter/signing_lookup.h"

namespace mail::dkim_milter {

namespace {

using Level = Line::Level;

std::string client_text(const Client& client) {
  if (client.host.starts_with('[')) return client.host;
  return fmt::format("{} [{}]", client.host,
                     client.address ? client.address->text() : "127.0.0.1");
}

/// One decision on its way: what is known, and what the log is told.
class Judge {
 public:
  Judge(const Settings& settings, const MessageFacts& message,
        std::vector<Line>& lines)
      : settings_(settings), message_(message), lines_(lines) {}

  Decision run() {
    using Kind = Decision::Kind;
    if (!find_sender()) return make(Kind::Malformed);
    if (settings_.exempt && settings_.exempt->contains(domain_)) {
      why(fmt::format("domain '{}' exempted, accepting", domain_));
      explain(fmt::format("ExemptDomains ({}) lists '{}'",
                          settings_.exempt->spec(), domain_));
      return make(Kind::Accept);
    }
    bool inside = comes_from_inside();
    bool ours = settings_.signing_table ? true : domain_is_signed();
    if (ours && !inside && settings_.domains && !message_.origin.ignored) {
      say(Level::Notice, fmt::format("external host {} attempted to send as {}",
                                     message_.origin.client.host, domain_));
    }
    if (inside && ours) find_keys();
    if (out_.jobs.empty()) {
      if (!inside) explain_outside();
      return make(settings_.verify ? Kind::Verify : Kind::Accept);
    }
    if (recipient_forbids()) return make(Kind::Accept);
    return make(Kind::Sign);
  }

 private:
  Decision make(Decision::Kind kind) {
    out_.kind = kind;
    out_.sender_domain = domain_;
    return std::move(out_);
  }
  void say(Level level, std::string text) {
    lines_.push_back({level, std::move(text)});
  }
  void why(std::string text) {
    if (settings_.log_why) say(Level::Info, std::move(text));
  }
  /// Mail in a domain that we sign for leaves without a signature.
  void explain(const std::string& reason) {
    if (!is_local()) return;
    say(Level::Info, fmt::format("not signed: {}", reason));
  }
  bool is_local() const {
    return std::any_of(settings_.local_domains.begin(),
                       settings_.local_domains.end(), [&](const auto& local) {
                         return local.starts_with('.')
                                    ? iends_with(domain_, local)
                                    : dkim::is_within(domain_, local);
                       });
  }
  void explain_outside() {
    if (message_.origin.ignored) return;
    std::string reason;
    if (settings_.mta) {
      reason = fmt::format("daemon '{}' is not in MTA ({}), ", daemon_name(),
                           settings_.mta->spec());
    }
    if (settings_.macros) reason += "no macro is as MacroList says, ";
    explain(fmt::format(
        "{}{} is not in InternalHosts ({}), and has not authenticated", reason,
        client_text(message_.origin.client), settings_.internal_hosts->spec()));
  }
  std::string daemon_name() const {
    return message_.mta.macro("{daemon_name}").value_or("");
  }

  bool find_sender();
  bool comes_from_inside();
  bool mta_matches();
  std::optional<bool> macros_match();
  bool domain_is_signed();
  void find_keys();
  bool recipient_forbids();

  const Settings& settings_;
  const MessageFacts& message_;
  std::vector<Line>& lines_;
  Decision out_;
  std::string user_, domain_;
  std::string signing_domain_;  // d= of the single-key set-up
};

bool Judge::find_sender() {
  std::optional<std::string> value;
  if (!settings_.sender_macro.empty()) {
    value = message_.mta.macro("{" + settings_.sender_macro + "}");
  }
  for (size_t i = 0; !value && i < settings_.sender_headers.size(); ++i) {
    const auto* field = message_.headers.first(settings_.sender_headers[i]);
    if (field) value = field->value;
  }
  if (!value || trim(*value).empty()) {
    say(Level::Info, "can't determine message sender; accepting");
    return false;
  }
  mime::AddressList list(*value);
  std::string address = list.size() > 0 ? list.internal(0) : "";
  auto parts = mime::split_address(address);
  if (!parts.domain || parts.domain->empty() || parts.local.empty()) {
    if (settings_.sign) {
      say(Level::Info,
          fmt::format("can't parse From: header value '{}'", *value));
    }
    return false;
  }
  user_ = parts.local;
  domain_ = lower(*parts.domain);
  return true;
}

bool Judge::mta_matches() {
  std::string name = daemon_name();
  if (!name.empty() && settings_.mta->contains(name)) return true;
  why(fmt::format("no MTA name match (host={}, MTA={})",
                  message_.origin.client.host, name));
  return false;
}

/// nullopt: the MTA has told none of the macros.
std::optional<bool> Judge::macros_match() {
  std::optional<bool> out;
  for (const auto& entry : *settings_.macros) {
    std::string name = entry.key;
    if (name.size() > 1 && name[0] != '{') name = "{" + name + "}";
    auto value = message_.mta.macro(name);
    if (!value) continue;
    if (entry.value.empty() || entry.value == *value) return true;
    out = false;
  }
  return out;
}

bool Judge::comes_from_inside() {
  bool inside = settings_.mta && mta_matches();
  if (settings_.macros) {
    auto match = macros_match();
    // What the macros say goes before the MTA's name, unless none is there.
    if (match || !settings_.mta) inside = match.value_or(false);
    if (!inside) why("no macros match");
  }
  if (inside) return true;
  if (!message_.mta.macro("{auth_type}").value_or("").empty()) return true;
  if (message_.origin.internal) return true;
  why(client_text(message_.origin.client) + " not internal");
  why("not authenticated");
  return false;
}

bool Judge::domain_is_signed() {
  if (!settings_.domains) return false;
  if (settings_.domains->contains(domain_)) {
    signing_domain_ = domain_;
    return true;
  }
  if (settings_.sub_domains) {
    for (size_t dot = domain_.find('.'); dot != std::string::npos;
         dot = domain_.find('.', dot + 1)) {
      std::string parent = domain_.substr(dot + 1);
      if (!settings_.domains->contains(parent)) continue;
      signing_domain_ = std::move(parent);
      return true;
    }
  }
  if (settings_.domains->contains("*")) {
    signing_domain_ = domain_;
    return true;
  }
  why(fmt::format("no signing domain match for '{}'", domain_));
  why(fmt::format("no signing subdomain match for '{}'", domain_));
  explain(fmt::format("Domain ({}) does not list '{}'{}",
                      settings_.domains->spec(), domain_,
                      settings_.sub_domains ? "" : ", and SubDomains is no"));
  return false;
}

void Judge::find_keys() {
  if (!settings_.sign) return explain("Mode lacks s");
  if (settings_.signing_table) {
    auto jobs = find_signers(settings_, user_, domain_);
    if (!jobs) {
      say(Level::Error, jobs.error().what);
      explain(jobs.error().what);
      return;
    }
    out_.jobs = std::move(*jobs);
    if (!out_.jobs.empty()) return;
    std::string line =
        fmt::format("no signing table match for '{}@{}'", user_, domain_);
    why(line);
    explain(fmt::format("{} in {}", line, settings_.signing_table->spec()));
    return;
  }
  if (!settings_.key) {
    explain("no KeyFile");
    return;
  }
  SigningJob job{signing_domain_, settings_.selector, "", settings_.key};
  if (signing_domain_ != domain_) job.identity = "@" + signing_domain_;
  out_.jobs.push_back(std::move(job));
}

bool Judge::recipient_forbids() {
  if (!settings_.no_sign_to) return false;
  for (const auto& recipient : message_.recipients) {
    if (!settings_.no_sign_to->contains(recipient)) continue;
    say(Level::Info,
        fmt::format("skipping signing of mail to '{}'", recipient));
    return true;
  }
  return false;
}

}  // namespace

Origin place_client(const Settings& settings, Client client) {
  Origin out;
  out.client = std::move(client);
  out.internal = holds_client(*settings.internal_hosts, out.client);
  out.ignored = settings.external_ignore &&
                holds_client(*settings.external_ignore, out.client);
  return out;
}

Decision decide(const Settings& settings, const MessageFacts& message,
                std::vector<Line>& lines) {
  return Judge(settings, message, lines).run();
}

}  // namespace mail::dkim_milter
