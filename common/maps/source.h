#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/config/postfix/logical_lines.h"
#include "common/maps/table.h"

namespace mail::maps {

struct SourceEntry {
  std::string key, value;
  int line = 0;
};

/// The text that postmap and texthash read (postmap(1), "TABLE FILE FORMAT"):
/// key, white space, value; quotes in the key are kept. Warns of lines that
/// are no entry (`FILE, line N: expected format: key whitespace value`).
class MapSource {
 public:
  struct Options {
    bool utf8 = false;      ///< other lines are left out
    bool texthash = false;  ///< its warnings are a little different
    Sink warn;
  };
  /// text must outlive it.
  MapSource(std::string_view text, std::string path, Options options);
  std::optional<SourceEntry> next();

 private:
  bool parse(std::string_view line, int number, SourceEntry& entry) const;
  void warn(int line, std::string_view text) const;
  std::string path_;
  Options options_;
  config::LogicalLines lines_;
};

/// The text that postalias reads (aliases(5)): name: value, value. The key is
/// unquoted, the value written anew from its tokens, without comments.
class AliasSource {
 public:
  AliasSource(std::string_view text, std::string path,
              MapSource::Options options);
  std::optional<SourceEntry> next();

 private:
  bool parse(std::string_view line, int number, SourceEntry& entry) const;
  void warn(int line, std::string_view text) const;
  std::string path_;
  MapSource::Options options_;
  config::LogicalLines lines_;
};

}  // namespace mail::maps
