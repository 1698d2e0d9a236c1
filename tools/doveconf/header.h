#pragma once

#include <string>

namespace mail::doveconf {

/// "# 2.3.19.1 (9b53102964): PATH" and what Pigeonhole adds.
std::string version_lines(const std::string& path);
/// "# OS: Linux ..." with the file system of mail_location, "# Hostname: ...".
std::string host_lines(const std::string& mail_location);

}  // namespace mail::doveconf
