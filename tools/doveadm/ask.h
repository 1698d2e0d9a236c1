#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/doveadm/context.h"

namespace mail::doveadm {

/// Connects to the Unix socket, sends `text`, and returns the lines that come
/// until an empty one, or `most` of them. Ends the process with
/// "net_connect_unix(PATH) failed: reason" and the like.
std::vector<std::string> ask_socket(Context& context, const std::string& path,
                                    std::string_view text,
                                    size_t most = SIZE_MAX);

}  // namespace mail::doveadm
