#include "dkim-milter/signing_lookup.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/config/opendkim/key_table.h"
#include "common/dkim/signature.h"

namespace mail::dkim_milter {

namespace {

using Entry = maps::DataSet::Entry;

std::vector<std::string> forms_of(std::string_view user,
                                  std::string_view domain) {
  std::vector<std::string> out;
  out.push_back(fmt::format("{}@{}", user, domain));
  out.emplace_back(domain);
  for (size_t dot = domain.find('.'); dot != std::string_view::npos;
       dot = domain.find('.', dot + 1)) {
    std::string_view rest = domain.substr(dot);
    out.push_back(fmt::format("{}@{}", user, rest));
    out.emplace_back(rest);
  }
  out.push_back(fmt::format("{}@*", user));
  out.emplace_back("*");
  return out;
}

Result<std::vector<Entry>> matches(const Settings& settings,
                                   std::string_view user,
                                   std::string_view domain) {
  const maps::DataSet& table = *settings.signing_table;
  std::vector<Entry> found;
  if (table.kind() == maps::DataSet::Kind::Patterns) {
    found = TRY(table.find_all(fmt::format("{}@{}", user, domain)));
  } else {
    for (const auto& form : forms_of(user, domain)) {
      for (auto& entry : TRY(table.find_all(form))) {
        found.push_back(std::move(entry));
      }
      if (!found.empty() && !settings.multiple_signatures) break;
    }
  }
  if (found.size() > 1 && !settings.multiple_signatures) found.resize(1);
  return found;
}

Result<SigningJob> make_job(const Settings& settings, const Entry& match,
                            std::string_view domain) {
  auto wanted =
      config::opendkim::read_signing_entry(match.value).for_domain(domain);
  auto value = settings.key_table->find(wanted.key_name);
  if (!value) return fail(Fault::Temporary, "error reading key table");
  if (!*value) {
    return fail(Fault::Config,
                fmt::format("signing table references unknown key '{}'",
                            wanted.key_name));
  }
  auto entry = config::opendkim::read_key_entry(**value);
  if (!entry) {
    return fail(Fault::Config, fmt::format("KeyTable entry for '{}' corrupt",
                                           wanted.key_name));
  }
  auto place = entry->for_domain(domain);
  auto key = settings.keys->get(place.key);
  if (!key) {
    return fail(Fault::Config, fmt::format("error loading key '{}': {}",
                                           wanted.key_name, key.error().what));
  }
  SigningJob job{place.domain, place.selector, "", *key};
  // An identity that d= does not cover would make every verifier fail.
  size_t at = wanted.signer.rfind('@');
  if (at != std::string::npos &&
      dkim::is_within(std::string_view(wanted.signer).substr(at + 1),
                      job.domain)) {
    job.identity = wanted.signer;
  }
  return job;
}

}  // namespace

Result<std::vector<SigningJob>> find_signers(const Settings& settings,
                                             std::string_view user,
                                             std::string_view domain) {
  auto found = matches(settings, user, domain);
  if (!found) return fail(Fault::Temporary, "error reading signing table");
  std::vector<SigningJob> jobs;
  for (const auto& match : *found) {
    SigningJob job = TRY(make_job(settings, match, domain));
    bool twice = std::any_of(jobs.begin(), jobs.end(), [&](const auto& other) {
      return other.domain == job.domain && other.selector == job.selector;
    });
    if (!twice) jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace mail::dkim_milter
