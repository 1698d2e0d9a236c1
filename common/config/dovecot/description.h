#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/packed_text.h"

namespace mail::config::dovecot {

enum class Type {
  Bool,
  Uint,
  Octal,  ///< octal if it begins with 0
  Port,
  Size,
  Time,    ///< kept in seconds
  TimeMs,  ///< kept in milliseconds
  String,
  StringVars,  ///< its %variables are expanded by whoever uses it
  Enum,
  List,     ///< named sections: service {}, passdb {}
  Strings,  ///< free names: plugin {}, dict {}
};

/// One line of settings/root.tsv or sections.tsv.
struct SettingInfo {
  std::string_view name;
  Type type;
  const char* default_text;  ///< nullptr: not set at all (alias_for)
  std::string_view words;    ///< of an enum, with '|' between
  std::string_view modules;  ///< who reads it, blanks between; "all"
  bool hidden;               ///< doveconf shows it only with -s
};

/// The same as generated, texts in kSettingTexts; default_text at 0: nullptr.
struct PackedSetting {
  PackedText name, default_text, words, modules;
  Type type;
  int8_t list;  ///< SectionInfo::list_of()
  bool hidden;
};

/// The settings of a section, by their index.
class SettingTable {
 public:
  constexpr explicit SettingTable(int first) : first_(first) {}
  SettingInfo operator[](int id) const;
  const PackedSetting& packed(int id) const;

 private:
  int first_;
};

/// The root of a file, or one kind of section.
struct SectionInfo {
  std::string_view name;  ///< "root", "passdb", ...
  SettingTable settings;
  int count;
  int lists[6];  ///< kinds of its List settings, in their order; -1: no more

  /// The index of a setting; -1: there is none of this name.
  int find(std::string_view setting) const;
  /// Which of lists[] setting `id` is; -1: none.
  int list_of(int id) const;
  /// passdb and userdb are unnamed: each block is a new one.
  bool unnamed() const { return name == "passdb" || name == "userdb"; }
};

struct DefaultValue {
  std::string_view key, value;
};

struct PackedDefault {
  PackedText key, value;
};

// Generated.
extern const char kSettingTexts[];
extern const PackedSetting kPackedSettings[];
extern const PackedDefault kPackedServiceDefaults[];
extern const uint16_t kRootByName[];  ///< the root's settings, sorted
/// The kinds of sections; 0 is the root.
extern const SectionInfo kSections[];
inline constexpr int kRoot = 0;
/// services.tsv: what service {} blocks there are without a file.
struct ServiceDefaults {
  DefaultValue operator[](int index) const;
};
inline constexpr ServiceDefaults kServiceDefaults;
extern const int kServiceDefaultCount;
/// For each section a text with '1' for each setting that the tree reads.
extern const char* const kBuilt[];

/// The setting that a flat key ("service/imap/user", "mail_location") names;
/// nullopt: unknown, or a string of plugin {}.
std::optional<SettingInfo> find_setting(std::string_view flat_key);
/// The section kind that `key` is inside of, and the index within; nullopt as
/// above.
struct Place {
  const SectionInfo* section;
  int id;
};
std::optional<Place> find_place(std::string_view flat_key);

}  // namespace mail::config::dovecot
