#include "common/dkim/header_choice.h"

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/wildcard.h"

namespace mail::dkim {

namespace {

const std::vector<std::string>& default_signed() {
  static const std::vector<std::string> names = {"from",
                                                 "reply-to",
                                                 "subject",
                                                 "date",
                                                 "to",
                                                 "cc",
                                                 "resent-date",
                                                 "resent-from",
                                                 "resent-sender",
                                                 "resent-to",
                                                 "resent-cc",
                                                 "in-reply-to",
                                                 "references",
                                                 "list-id",
                                                 "list-help",
                                                 "list-unsubscribe",
                                                 "list-subscribe",
                                                 "list-post",
                                                 "list-owner",
                                                 "list-archive"};
  return names;
}

const std::vector<std::string>& default_omitted() {
  static const std::vector<std::string> names = {"return-path", "received",
                                                 "comments", "keywords"};
  return names;
}

}  // namespace

void HeaderChoice::Names::add(std::string_view name) {
  std::string key = lower(name);
  if (key.find('*') == std::string::npos) {
    exact.insert(std::move(key));
  } else {
    patterns.push_back(std::move(key));
  }
}

bool HeaderChoice::Names::match(const std::string& name) const {
  return exact.contains(name) ||
         std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& p) { return match_wildcard(p, name); });
}

HeaderChoice::Names HeaderChoice::read(
    const std::vector<std::string>* list,
    const std::vector<std::string>& defaults) {
  Names out;
  bool edits =
      list && std::find(list->begin(), list->end(), "*") != list->end();
  if (!list || edits) {
    for (const auto& name : defaults) {
      bool removed = edits && std::any_of(list->begin(), list->end(),
                                          [&](const std::string& entry) {
                                            return iequals(entry, "-" + name);
                                          });
      if (!removed) out.add(name);
    }
  }
  if (!list) return out;
  for (const auto& entry : *list) {
    if (!edits) {
      out.add(entry);
    } else if (entry.starts_with('+')) {
      out.add(std::string_view(entry).substr(1));
    }
  }
  return out;
}

HeaderChoice::HeaderChoice(const std::vector<std::string>* sign,
                           const std::vector<std::string>* omit)
    : sign_(read(sign, default_signed())),
      omit_(read(omit, default_omitted())) {
  sign_.add("from");
}

bool HeaderChoice::signs(std::string_view name) const {
  std::string key = lower(trim_right(name));
  return sign_.match(key) && !omit_.match(key);
}

}  // namespace mail::dkim
