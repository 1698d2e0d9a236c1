#pragma once

#include <string>

#include "common/ipc/groups.h"
#include "common/process/command.h"

namespace mail::delivery {

/// What a command's end means: status "2.0.0" for success; else by the status
/// code that its output begins with, by sysexits(3), or by how it ended. The
/// output is in diag_text ("x-unix"). Command: as it is shown in the log.
ipc::Dsn judge_command(const process::CommandEnd& end,
                       std::string_view command);

}  // namespace mail::delivery
