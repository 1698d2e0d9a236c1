#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mail::doveadm {

/// A command of the original: its words ("auth cache flush") and what it takes.
struct Usage {
  std::string_view name, arguments;
};
/// In the order of `doveadm`'s own list.
const std::vector<Usage>& usages();

/// The list of all commands, or of those of one group ("auth"); what `doveadm`
/// prints to standard error.
std::string usage_list(std::string_view group);
/// "doveadm auth test [-a ...] <user> [<password>]\n".
std::string usage_line(std::string_view name);
/// There are commands that begin with this word and another.
bool is_group(std::string_view word);

}  // namespace mail::doveadm
