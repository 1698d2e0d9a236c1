#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/maps/table.h"

namespace mail::maps {

/// For tables whose values are names of files (kRhsIsFile): the contents of
/// "file, file", a newline between them, in base64, as databases hold them.
/// Errors: Config, "open FILE: reason".
Result<std::string> encode_files(std::string_view list);

/// The table's own values are names of files, for it has no source of its own.
bool holds_names(const Table& table);

/// What a value that `table` gave stands for: decoded base64, or, from tables
/// that hold the names themselves (inline, static, ...), the files' contents.
/// Errors: Config.
Result<std::string> decode_value(const Table& table, std::string_view value);

}  // namespace mail::maps
