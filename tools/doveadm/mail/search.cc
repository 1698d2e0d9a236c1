// Which messages a query finds.
#include <algorithm>
#include <cerrno>
#include <ctime>
#include <set>

#include "common/mailbox/pattern.h"
#include "common/mailview/matcher.h"
#include "tools/doveadm/mail/run.h"

namespace mail::doveadm {

namespace {

bool has_wildcard(std::string_view pattern) {
  return pattern.find_first_of("*%") != std::string_view::npos;
}

Result<std::vector<uint32_t>> judge(mailbox::Mailbox& box, const Query& query,
                                    const Query::Place& place) {
  imap::SearchLimits limits{box.count(),
                            box.uids().empty() ? 0 : box.uids().back()};
  auto program = TRY(query.program(place, limits));
  mailview::OpenMessage open;
  std::set<uint32_t> saved;
  mailview::Matcher matcher(box, open, saved, std::move(program), "UTF-8",
                            std::time(nullptr));
  std::vector<uint32_t> out;
  for (uint32_t seq = 1; seq <= box.count(); ++seq) {
    if (TRY(matcher.matches(seq, box.uid(seq)))) out.push_back(box.uid(seq));
  }
  return out;
}

}  // namespace

Result<std::vector<std::string>> UserMail::names(
    const std::vector<std::string>& patterns) {
  mailbox::ListOptions options;
  options.return_children = false;
  auto entries = TRY(storage.list("", {"*"}, options));
  std::vector<std::string> out;
  bool inbox = false;
  for (const auto& entry : entries) {
    if (entry.no_select || entry.non_existent) continue;
    bool wanted = std::any_of(
        patterns.begin(), patterns.end(), [&](const std::string& pattern) {
          return mailbox::matches_pattern(entry.name, pattern, entry.separator);
        });
    if (!wanted) continue;
    if (entry.name == "INBOX") {
      inbox = true;
    } else {
      out.push_back(entry.name);
    }
  }
  if (inbox) out.emplace_back("INBOX");
  return out;
}

void UserMail::search(const Query& query, const Visit& how,
                      const std::function<void(Found&)>& each) {
  std::vector<std::string> patterns =
      query.mailboxes().value_or(std::vector<std::string>{"*"});
  if (patterns.size() == 1 && !has_wildcard(patterns[0])) {
    search_one(query, how, patterns[0], each);
    return;
  }
  auto all = names(patterns);
  if (!all) {
    failed("Listing mailboxes failed", all.error());
    return;
  }
  for (const auto& name : *all) search_one(query, how, name, each);
}

void UserMail::search_one(const Query& query, const Visit& how,
                          const std::string& name,
                          const std::function<void(Found&)>& each) {
  auto complain = [&](const Error& e) {
    std::string text(how.complaint);
    text.replace(text.find('%'), 1, name);
    failed(text, e);
  };
  auto box = storage.open_mailbox(name, how.mode);
  if (!box) {
    if (box.error().sys == ENOENT && how.missing == Missing::Skip) return;
    complain(box.error());
    return;
  }
  if (auto done = (*box)->sync(); !done) {
    complain(done.error());
    return;
  }
  Query::Place place;
  place.name = (*box)->name();
  place.separator = storage.separator();
  if (query.asks_guid()) place.guid = (*box)->guid();
  auto uids = judge(**box, query, place);
  if (!uids) {
    complain(uids.error());
    return;
  }
  if (uids->empty()) return;
  Found found{**box, std::move(*uids)};
  each(found);
}

int status_of(const Error& error) {
  if (error.fault != Fault::Permanent) return kFailed;
  switch (error.sys) {
    case ENOENT:
      return kNotFound;
    case EINVAL:
      return error.what.starts_with("Invalid mailbox name") ? kUsage
                                                            : kDataExists;
    case EACCES:
    case EROFS:
      return kNoPermission;
    case EDQUOT:
      return kCannotCreate;
    case ENOSPC:
    case EBUSY:
      return kFailed;
    default:
      return kDataExists;  // EX_DATAERR: it cannot be done
  }
}

}  // namespace mail::doveadm
