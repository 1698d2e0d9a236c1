#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tools/postfix/site.h"

namespace mail::postfix_command {

/// A directory of the queue, as postfix-files(5) and Debian want it.
struct WantedDirectory {
  enum class Owner { Root, Mail };
  enum class Group { Root, Mail, Postdrop };
  std::string path;
  mode_t mode;
  Owner owner;
  Group group;
};

/// queue_directory, what is in it, and data_directory.
std::vector<WantedDirectory> wanted_directories(const Site& site);

/// Makes those that are missing. Errors: Config, what could not be made.
Result<> create_missing(const Site& site);
/// Owners, groups and modes of directories and set-gid commands as they
/// should be (postfix set-permissions).
Result<> set_permissions(const Site& site);

}  // namespace mail::postfix_command
