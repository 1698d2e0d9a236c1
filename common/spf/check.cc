#include "common/spf/check.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "common/base/ascii.h"
#include "common/spf/macro.h"
#include "common/spf/record.h"

namespace mail::spf {

namespace {

constexpr int kTermLimit = 10;  // RFC 7208, 4.6.4: terms that ask DNS
constexpr std::string_view kTypes[] = {"TXT", "A", "AAAA", "MX", "PTR"};
constexpr size_t kNameLimit = 10;  // names of one mx or ptr

class Evaluator {
 public:
  Evaluator(const Identity& identity, const Replies& replies)
      : identity_(identity), replies_(replies) {}

  Verdict check_host(const std::string& domain, bool top);
  std::vector<Question>& questions() { return questions_; }

 private:
  bool blocked() const { return !questions_.empty(); }
  const Reply* ask(Question::Type type, const std::string& name);
  const Reply* ask_term(Question::Type type, const std::string& name);
  std::optional<Record> fetch(const std::string& domain, Verdict& failure);
  Verdict evaluate(const Record& record, const std::string& domain, bool top);

  enum class Match { No, Yes, Decided };
  Match match(const Directive& directive, const std::string& domain);
  Match match_include(const std::string& target);
  Match match_addresses(const Directive& directive, const std::string& target);
  Match match_mx(const Directive& directive, const std::string& target);
  Match match_ptr(const std::string& target);
  Match match_exists(const std::string& target);
  bool holds(const Reply& reply, const Directive& directive) const;

  bool count_term();
  Match decide(Outcome outcome, std::string text);
  Question::Type address_type() const {
    return identity_.client.v6 ? Question::Type::Aaaa : Question::Type::A;
  }
  std::vector<std::string> validated_names();
  std::string validated_name(const std::string& domain);
  MacroValues values_for(const MacroString& text, const std::string& domain);
  std::string expand(const MacroString& text, const std::string& domain);
  std::string explain(const Record& record, const std::string& domain);

  const Identity& identity_;
  const Replies& replies_;
  std::vector<Question> questions_;
  Verdict decided_;
  int terms_ = 0, voids_ = 0;
};

Evaluator::Match Evaluator::decide(Outcome outcome, std::string text) {
  decided_ = {outcome, std::move(text)};
  return Match::Decided;
}

/// Null: must be asked first.
const Reply* Evaluator::ask(Question::Type type, const std::string& name) {
  Question question{type, lower(name)};
  auto found = replies_.find(question);
  if (found != replies_.end()) return &found->second;
  questions_.push_back(std::move(question));
  return nullptr;
}

/// Of a term: its void lookups count. Null: must be asked first, or decided.
const Reply* Evaluator::ask_term(Question::Type type, const std::string& name) {
  const Reply* reply = ask(type, name);
  if (!reply) return nullptr;
  if (reply->status == Reply::Status::Failure) {
    decide(Outcome::TempError,
           fmt::format("DNS no answer to the query {}. IN {}", name,
                       kTypes[static_cast<size_t>(type)]));
    return nullptr;
  }
  if (reply->status == Reply::Status::Nothing &&
      ++voids_ > identity_.void_limit) {
    decide(Outcome::PermError, fmt::format("Void lookup limit of {} exceeded",
                                           identity_.void_limit));
    return nullptr;
  }
  return reply;
}

bool Evaluator::count_term() {
  if (++terms_ <= kTermLimit) return true;
  decide(Outcome::PermError, "Too many DNS lookups");
  return false;
}

/// A name that could have a record: labels of at most 63 bytes, two at least
/// (RFC 7208, 4.3).
bool is_domain(std::string_view domain) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  auto labels = split_exact(domain, '.');
  constexpr size_t kLabel = 63, kDomain = 253;
  return labels.size() >= 2 && domain.size() <= kDomain &&
         std::all_of(labels.begin(), labels.end(), [](std::string_view label) {
           return !label.empty() && label.size() <= kLabel;
         });
}

std::optional<Record> Evaluator::fetch(const std::string& domain,
                                       Verdict& failure) {
  const Reply* reply = ask(Question::Type::Txt, domain);
  if (!reply) return std::nullopt;
  if (reply->status == Reply::Status::Failure) {
    failure = {Outcome::TempError,
               fmt::format("DNS no answer to the query {}. IN TXT", domain)};
    return std::nullopt;
  }
  const std::string* text = nullptr;
  for (const auto& candidate : reply->texts) {
    if (!Record::is_one(candidate)) continue;
    if (text) {
      failure = {Outcome::PermError, "Two or more type TXT spf records found."};
      return std::nullopt;
    }
    text = &candidate;
  }
  if (!text) {
    failure = {Outcome::None, ""};
    return std::nullopt;
  }
  auto record = Record::parse(*text);
  if (!record) {
    failure = {Outcome::PermError, std::move(record).error().what};
    return std::nullopt;
  }
  return std::move(*record);
}

Verdict Evaluator::check_host(const std::string& domain, bool top) {
  if (!is_domain(domain)) return {Outcome::None, ""};
  Verdict failure;
  auto record = fetch(domain, failure);
  if (!record) return failure;
  return evaluate(*record, domain, top);
}

Verdict Evaluator::evaluate(const Record& record, const std::string& domain,
                            bool top) {
  for (const auto& directive : record.directives) {
    Match found = match(directive, domain);
    if (blocked()) return {};
    if (found == Match::Decided) return decided_;
    if (found == Match::No) continue;
    Verdict verdict;
    verdict.outcome = directive.qualifier == '+'   ? Outcome::Pass
                      : directive.qualifier == '-' ? Outcome::Fail
                      : directive.qualifier == '~' ? Outcome::SoftFail
                                                   : Outcome::Neutral;
    if (verdict.outcome == Outcome::Fail && top) {
      verdict.text = explain(record, domain);
      verdict.only_all = record.directives.size() == 1 &&
                         directive.mechanism == Mechanism::All &&
                         !record.explanation && !record.redirect;
    }
    return verdict;
  }
  if (!record.redirect) return {Outcome::Neutral, ""};
  if (!count_term()) return decided_;
  std::string target = expand(*record.redirect, domain);
  if (blocked()) return {};
  Verdict verdict = check_host(target, top);
  if (verdict.outcome == Outcome::None && !blocked()) {
    return {Outcome::PermError,
            fmt::format("redirect domain has no SPF record: {}", target)};
  }
  return verdict;
}

Evaluator::Match Evaluator::match(const Directive& directive,
                                  const std::string& domain) {
  const Address& client = identity_.client;
  switch (directive.mechanism) {
    case Mechanism::All:
      return Match::Yes;
    case Mechanism::Ip4:
    case Mechanism::Ip6: {
      int prefix = directive.network.v6 ? directive.prefix6 : directive.prefix4;
      // A mapped address after ip6: is the IPv4 one, 96 bits shorter.
      if (directive.mechanism == Mechanism::Ip6 && !directive.network.v6) {
        prefix = std::max(0, directive.prefix6 - 96);
      }
      return client.in(directive.network, prefix) ? Match::Yes : Match::No;
    }
    default:
      break;
  }
  if (!count_term()) return Match::Decided;
  std::string target =
      directive.domain ? expand(*directive.domain, domain) : domain;
  if (blocked()) return Match::No;
  switch (directive.mechanism) {
    case Mechanism::Include:
      return match_include(target);
    case Mechanism::A:
      return match_addresses(directive, target);
    case Mechanism::Mx:
      return match_mx(directive, target);
    case Mechanism::Ptr:
      return match_ptr(target);
    default:
      return match_exists(target);
  }
}

Evaluator::Match Evaluator::match_include(const std::string& target) {
  Verdict verdict = check_host(target, /*top=*/false);
  if (blocked()) return Match::No;
  switch (verdict.outcome) {
    case Outcome::Pass:
      return Match::Yes;
    case Outcome::None:
      return decide(
          Outcome::PermError,
          fmt::format("No valid SPF record for included domain: {}: include:{}",
                      target, target));
    case Outcome::TempError:
    case Outcome::PermError:
      return decide(verdict.outcome, verdict.text);
    default:
      return Match::No;
  }
}

bool Evaluator::holds(const Reply& reply, const Directive& directive) const {
  int prefix = identity_.client.v6 ? directive.prefix6 : directive.prefix4;
  return std::any_of(reply.addresses.begin(), reply.addresses.end(),
                     [&](const Address& address) {
                       return identity_.client.in(address, prefix);
                     });
}

Evaluator::Match Evaluator::match_addresses(const Directive& directive,
                                            const std::string& target) {
  const Reply* reply = ask_term(address_type(), target);
  if (!reply) return Match::Decided;
  return holds(*reply, directive) ? Match::Yes : Match::No;
}

Evaluator::Match Evaluator::match_mx(const Directive& directive,
                                     const std::string& target) {
  const Reply* hosts = ask_term(Question::Type::Mx, target);
  if (!hosts) return Match::Decided;
  if (hosts->texts.size() > kNameLimit) {
    return decide(Outcome::PermError, "More than 10 MX records returned");
  }
  // All at once: their questions do not wait for each other.
  for (const auto& host : hosts->texts) ask(address_type(), host);
  if (blocked()) return Match::No;
  for (const auto& host : hosts->texts) {
    const Reply* reply = ask_term(address_type(), host);
    if (!reply) return Match::Decided;
    if (holds(*reply, directive)) return Match::Yes;
  }
  return Match::No;
}

/// The client's names whose addresses include it (RFC 7208, 5.5). Errors are
/// names that are not validated.
std::vector<std::string> Evaluator::validated_names() {
  const Reply* names =
      ask(Question::Type::Ptr, identity_.client.reverse_name());
  if (!names) return {};
  size_t count = std::min(names->texts.size(), kNameLimit);
  std::vector<std::string> out;
  for (size_t i = 0; i < count; ++i) {
    const Reply* reply = ask(address_type(), names->texts[i]);
    if (!reply) continue;
    const auto& all = reply->addresses;
    if (std::find(all.begin(), all.end(), identity_.client) != all.end()) {
      out.push_back(names->texts[i]);
    }
  }
  return out;
}

bool is_under(std::string_view name, std::string_view domain) {
  return iequals(name, domain) ||
         (name.size() > domain.size() && iends_with(name, domain) &&
          name[name.size() - domain.size() - 1] == '.');
}

Evaluator::Match Evaluator::match_ptr(const std::string& target) {
  auto names = validated_names();
  if (blocked()) return Match::No;
  for (const auto& name : names) {
    if (is_under(name, target)) return Match::Yes;
  }
  return Match::No;
}

Evaluator::Match Evaluator::match_exists(const std::string& target) {
  // A, whatever family the client is of (RFC 7208, 5.7).
  const Reply* reply = ask_term(Question::Type::A, target);
  if (!reply) return Match::Decided;
  return reply->addresses.empty() ? Match::No : Match::Yes;
}

/// Macro p: the domain itself, else a name below it, else any (RFC 7208, 7.3).
std::string Evaluator::validated_name(const std::string& domain) {
  auto names = validated_names();
  const std::string* best = nullptr;
  for (const auto& name : names) {
    if (iequals(name, domain)) return name;
    if (!best || (is_under(name, domain) && !is_under(*best, domain))) {
      best = &name;
    }
  }
  return best ? *best : "unknown";
}

MacroValues Evaluator::values_for(const MacroString& text,
                                  const std::string& domain) {
  MacroValues values;
  values.sender = identity_.sender;
  values.domain = domain;
  values.ip = identity_.client.dotted();
  values.helo = identity_.helo;
  values.protocol = identity_.client.v6 ? "ip6" : "in-addr";
  values.client = identity_.client.text();
  values.receiver = identity_.receiver;
  values.time = fmt::format("{}", identity_.time);
  // Asked of DNS only where it is used.
  if (text.uses('p')) values.validated = validated_name(domain);
  return values;
}

std::string Evaluator::expand(const MacroString& text,
                              const std::string& domain) {
  return as_name(text.expand(values_for(text, domain)));
}

/// "": there is none, or it cannot be had.
std::string Evaluator::explain(const Record& record,
                               const std::string& domain) {
  if (!record.explanation) return "";
  std::string name = expand(*record.explanation, domain);
  if (blocked() || name.empty()) return "";
  const Reply* reply = ask(Question::Type::Txt, name);
  if (!reply || reply->texts.size() != 1) return "";
  auto text =
      MacroString::parse(reply->texts[0], MacroString::Use::Explanation);
  if (!text) return "";
  return text->expand(values_for(*text, domain));
}

}  // namespace

std::string_view text_of(Outcome outcome) {
  constexpr std::string_view kTexts[] = {
      "none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"};
  return kTexts[static_cast<size_t>(outcome)];
}

std::variant<Verdict, std::vector<Question>> evaluate(const Identity& identity,
                                                      const Replies& replies) {
  Evaluator evaluator(identity, replies);
  Verdict verdict = evaluator.check_host(identity.domain, /*top=*/true);
  if (!evaluator.questions().empty()) {
    return std::move(evaluator.questions());
  }
  return verdict;
}

}  // namespace mail::spf
