#include "dkim-milter/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/base/ascii.h"
#include "common/dkim/auth_results.h"

namespace mail::dkim_milter {

namespace {

using dkim::Check;
using dkim::Status;
using dkim::Verdict;

bool key_was_used(const Check& check) {
  return check.record() && check.record()->key &&
         (check.applied || check.status == Status::Subdomain);
}

std::string key_comment(const Check& check) {
  if (!key_was_used(check)) return "";
  const auto& key = *check.record()->key;
  if (key.type() != crypto::KeyType::Rsa) return "";
  if (!check.key->authenticated)
    return fmt::format(" ({}-bit key)", key.bits());
  return fmt::format(" ({}-bit key; {})", key.bits(),
                     *check.key->authenticated ? "secure" : "unprotected");
}

/// A value of a property: what is no token is quoted (RFC 8601, 2.2).
std::string property(std::string_view text) {
  bool plain =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alnum(c) ||
               std::string_view("-._@/+").find(c) != std::string_view::npos;
      });
  return plain ? std::string(text) : dkim::quoted(text);
}

std::string one_result(const Settings& settings, const Check& check,
                       const std::string& b) {
  if (check.status == Status::Malformed) {
    return "dkim=permerror (bad message/signature format)";
  }
  Verdict verdict = final_verdict(settings, check);
  std::string out = fmt::format("dkim={}", dkim::verdict_text(verdict));
  if (verdict == Verdict::Fail ||
      dkim::verdict_of(check.status) == Verdict::Policy) {
    out += " reason=" + dkim::quoted(dkim::status_text(check.status));
  }
  const auto& s = check.signature;
  out += key_comment(check);
  out += fmt::format(" header.d={} header.i={} header.a={} header.s={}",
                     property(s.domain), property(s.identity),
                     property(s.algorithm_text), property(s.selector));
  if (!settings.no_header_b) out += " header.b=" + property(b);
  return out;
}

/// Before "/", if the job id stands there.
std::string_view without_job(std::string_view id) {
  return id.substr(0, id.find('/'));
}

bool is_our_id(const Settings& settings, std::string_view ours,
               std::string_view id) {
  if (settings.remove_ar_from) {
    return settings.remove_ar_from->contains(without_job(id)) ||
           settings.remove_ar_from->contains(id);
  }
  return iequals(without_job(id), without_job(ours));
}

}  // namespace

Verdict final_verdict(const Settings& settings, const Check& check) {
  Verdict verdict = dkim::verdict_of(check.status);
  if (verdict != Verdict::Pass || check.key->authenticated != false) {
    return verdict;
  }
  switch (settings.unprotected_key) {
    case Unprotected::Neutral:
      return Verdict::Neutral;
    case Unprotected::Fail:
      return Verdict::Policy;
    case Unprotected::None:
      break;
  }
  return verdict;
}

std::vector<std::string> header_b(const std::vector<Check>& checks) {
  size_t longest = 0;
  for (const auto& check : checks) {
    longest = std::max(longest, check.signature.data_text.size());
  }
  for (size_t length = 8;; ++length) {
    std::vector<std::string> out;
    for (const auto& check : checks) {
      out.push_back(check.signature.data_text.substr(0, length));
    }
    std::set<std::string> distinct(out.begin(), out.end());
    if (distinct.size() == out.size() || length >= longest) return out;
  }
}

std::string results_value(const Settings& settings, const std::string& id,
                          const std::vector<Check>& checks) {
  std::vector<std::string> pieces{id + ";"};
  auto b = header_b(checks);
  for (size_t i = 0; i < checks.size(); ++i) {
    pieces.push_back(one_result(settings, checks[i], b[i]) + ";");
  }
  if (checks.empty()) pieces.push_back("dkim=none;");
  pieces.push_back("dkim-atps=neutral");
  return dkim::fold_auth_results(pieces);
}

std::string malformed_value(const std::string& id) {
  return id + "; dkim=permerror (bad message/signature format)";
}

std::vector<int> forged_results(const Settings& settings, const std::string& id,
                                const dkim::HeaderBlock& headers,
                                std::vector<std::string>& warnings) {
  std::vector<int> out;
  if (settings.keep_results) return out;
  int index = 0;
  for (size_t i : headers.find("Authentication-Results")) {
    ++index;
    auto read = dkim::read_auth_results(headers.fields()[i].value);
    if (!read || !read->well_formed) {
      warnings.push_back(
          "failed to parse Authentication-Results: header field");
    }
    if (!read || !is_our_id(settings, id, read->authserv_id)) continue;
    bool dkim =
        std::any_of(read->methods.begin(), read->methods.end(),
                    [](const auto& m) { return iequals(m.method, "dkim"); });
    // Another reader may be less strict: what claims to be ours and cannot
    // be read must not stay either.
    if (dkim || settings.remove_all_results || !read->well_formed) {
      out.push_back(index);
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace mail::dkim_milter
