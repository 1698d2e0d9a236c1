#include "tools/doveadm/usage.h"

#include <fmt/format.h>

#include "common/base/ascii.h"

namespace mail::doveadm {

namespace {

constexpr int kNameWidth = 12;

std::string_view word_of(std::string_view name, size_t index) {
  auto words = split(name, " ");
  return index < words.size() ? words[index] : std::string_view();
}

/// One line for each word at `depth` of the commands that begin with `group`.
std::string lines(std::string_view group, size_t depth) {
  std::string out;
  std::string_view last;
  for (const auto& usage : usages()) {
    if (depth > 0 && word_of(usage.name, 0) != group) continue;
    std::string_view word = word_of(usage.name, depth);
    if (word == last) continue;
    last = word;
    std::string rest(usage.arguments);
    if (!word_of(usage.name, depth + 1).empty()) {  // a group
      rest.clear();
      std::string_view previous;
      for (const auto& other : usages()) {
        bool same = word_of(other.name, depth) == word &&
                    (depth == 0 || word_of(other.name, 0) == group);
        std::string_view sub = word_of(other.name, depth + 1);
        if (!same || sub == previous) continue;
        previous = sub;
        if (!rest.empty()) rest += '|';
        rest += sub;
      }
    }
    // The original's list says one of them twice.
    if (depth == 0 && word == "mailbox") rest.insert(0, "cache|");
    out += fmt::format("  {:<{}} {}\n", word, kNameWidth, rest);
  }
  return out;
}

}  // namespace

bool is_group(std::string_view word) {
  for (const auto& usage : usages()) {
    if (word_of(usage.name, 0) == word && !word_of(usage.name, 1).empty()) {
      return true;
    }
  }
  return false;
}

std::string usage_list(std::string_view group) {
  if (!group.empty()) {
    return fmt::format(
               "usage: doveadm [-Dv] [-f <formatter>] {} <command> "
               "[<args>]\n",
               group) +
           lines(group, 1);
  }
  return "usage: doveadm [-Dv] [-f <formatter>] <command> [<args>]\n" +
         std::string(15, ' ') + "\n" + lines("", 0);
}

std::string usage_line(std::string_view name) {
  for (const auto& usage : usages()) {
    if (usage.name == name) {
      return fmt::format("doveadm {} {}\n", usage.name, usage.arguments);
    }
  }
  return "";
}

}  // namespace mail::doveadm
