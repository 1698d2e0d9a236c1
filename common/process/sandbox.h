#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/process/ids.h"

namespace mail::process {

/// What a program may still do once it is confined (architecture: rings).
enum class Profile {
  None,          ///< masters, commands
  Internal,      ///< talks to other programs of the suite; runs none
  FacesNetwork,  ///< meets strangers: as Internal, and changes no file
  ReadsMailbox,  ///< becomes users and may run their commands
  HoldsSecrets,  ///< as Internal, and its memory is not dumped
};

struct Confinement {
  Profile profile = Profile::None;
  std::string root;            ///< chroot here; empty: not at all
  std::string user;            ///< become this user and its group; empty: stay
  std::optional<UserIds> ids;  ///< the same by number
  std::vector<gid_t> groups;   ///< other groups it shall have
  /// FacesNetwork: directories (in the new root) whose files it may change.
  std::vector<std::string> writes;
};

/// chroot, then group, groups and user for good, no_new_privs, and the
/// profile's system call filter: calls that no mail program needs (ptrace,
/// mount, modules, keyrings, bpf, ...) and, unless it runs commands, execve,
/// fail with EPERM; of FacesNetwork also restrict_files(). Errors: Config, what
/// could not be done and why.
Result<> confine(const Confinement& wanted);

}  // namespace mail::process
