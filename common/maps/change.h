#pragma once

#include <string>

#include "common/maps/table.h"

namespace mail::maps {

/// `table hash:/path(0,lock|fold_fix) has changed -- restarting`, the line
/// administrators know, with the mode and flags of the opener.
std::string change_text(const Table& table, const OpenOptions& options);

/// `database X.db is older than source file X`, if the source is newer and at
/// rest for 100 s. fd: the database.
void warn_if_older(int fd, const std::string& source,
                   const OpenOptions& options, std::string_view suffix = ".db");

}  // namespace mail::maps
