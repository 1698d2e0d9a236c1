#pragma once

#include <functional>

#include "common/queuefile/envelope.h"

namespace mail::postcat {

/// What to show of a queue file.
struct Options {
  bool envelope = false, header = false, body = false;
  bool offsets = false;           ///< -o: "%9lu " in front of each record
  bool decimal = false;           ///< -d: the type, "%3d "
  bool names = false;             ///< -v: records of content by their names
  std::optional<uint64_t> start;  ///< -s: any record may come first
};

/// Where the text goes, and what is said about broken files.
struct Sink {
  std::function<Result<>(std::string_view)> write;
  std::function<void(const std::string&)> warn;
};

/// Prints one file as postcat(1) does, `name` in its markers.
/// Errors: "record read error" after a warning; those of the sink.
Result<> print(queuefile::Source& source, std::string_view name,
               const Options& options, const Sink& sink);

}  // namespace mail::postcat
