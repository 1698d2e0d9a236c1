#include "common/mailbox/flags.h"

#include <algorithm>

#include "common/base/ascii.h"

namespace mail::mailbox {

namespace {

struct Name {
  Flags flag;
  std::string_view name;
};
constexpr Name kNames[] = {{kAnswered, "\\Answered"},
                           {kFlagged, "\\Flagged"},
                           {kDeleted, "\\Deleted"},
                           {kSeen, "\\Seen"},
                           {kDraft, "\\Draft"}};

}  // namespace

Flags flag_of(std::string_view name) {
  for (const Name& one : kNames) {
    if (iequals(one.name, name)) return one.flag;
  }
  return 0;
}

FlagNames::FlagNames(Flags flags) {
  for (const Name& one : kNames) {
    if (flags & one.flag) names_[count_++] = one.name;
  }
}

bool is_keyword(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_print(c) &&
           std::string_view(" (){%*\"\\]").find(c) == std::string_view::npos;
  });
}

}  // namespace mail::mailbox
