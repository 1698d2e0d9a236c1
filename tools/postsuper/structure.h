#pragma once

#include "tools/postsuper/actions.h"

namespace mail::postsuper {

struct Repair {
  bool structure = false;   ///< -s: each file in its hash directory, short ids
                            ///< with their inode's number
  bool all_inodes = false;  ///< -S: long ids too
  bool purge = false;       ///< -p: unfinished files of more than a week
};

/// Mends queues, in as many passes as the renaming takes: files get the
/// name `ID#FIX` first, so that none takes the place of another.
/// Returns how many messages have a new name.
/// Errors: of the file system.
Result<long> repair(const queue::Layout& layout,
                    const std::vector<std::string>& queues,
                    const Repair& repair, const Voice& voice, bool verbose);

}  // namespace mail::postsuper
