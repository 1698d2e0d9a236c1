#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/dovecot/description.h"
#include "common/config/dovecot/layers.h"
#include "common/config/dovecot/statement.h"

namespace mail::config::dovecot {

/// Files → layers. Goes on after an error: each is a Problem of its own.
class Parser {
 public:
  Parser(Configuration::Impl& out, FileReader& reader, Expand expand)
      : out_(out), reader_(reader), expand_(expand) {}

  void run(const std::string& path);

  // ---- for what reads obsolete settings (obsolete.cc)

  /// Sets a flat key of the global layer, as if it stood in this line.
  void set_global(const std::string& key, std::string_view value);
  /// A member of a list that is made if need be: its flat key.
  std::string ensure_member(const std::string& list_key, std::string_view name);
  const Entry* global(const std::string& key) const {
    return out_.layers[0].find(key);
  }
  /// "Obsolete setting in F:N: TEXT".
  void warn_obsolete(std::string text);
  void error(std::string text, std::string hint = {});
  /// "TEXT", a warning without a place.
  void warn(std::string text);
  void set_here(std::string_view key, const Statement& statement);
  /// Sets a flat key within the filter that is open, unchecked.
  void put_here(const std::string& key, std::string_view value);
  /// The name of the protocol {} that is open; empty: none.
  const std::string& protocol_here() const {
    return out_.layers[stack_.back().layer].filter.service;
  }
  /// Inside of plugin {}.
  bool in_plugin() const {
    return stack_.back().kind == Open::Kind::Strings && path_here() == "plugin";
  }
  /// Path of the open sections, "" at the root: "service/imap".
  const std::string& path_here() const { return stack_.back().path; }
  bool inside_filter() const { return stack_.back().layer != 0; }

 private:
  struct Open {  ///< one `{`
    enum class Kind { File, Section, Filter, Strings, Unknown } kind;
    std::string word;  ///< "service", "protocol"
    std::string path;  ///< flat key in front of its settings, no '/' behind
    const SectionInfo* section = nullptr;
    size_t layer = 0;
    Origin at;
  };

  void read_file(const std::string& path);
  void read_text(std::string_view text);
  void include(const Statement& statement);
  void take(Statement& statement);
  void begin(const Statement& statement);
  void begin_filter(const Statement& statement);
  void begin_section(const Statement& statement);
  void end();
  bool filter_order_is_right(std::string_view word);
  bool network_filter(const Statement& statement, Filter& filter);
  void set(const Statement& statement);
  void set_string(const Statement& statement);
  void store(const std::string& key, const SettingInfo* info,
             const Statement& statement);
  std::string expand(const std::string& key, const std::string& text);
  std::optional<std::string> variable(std::string_view name);
  void warn_of_earlier_filter(const std::string& key);
  bool allowed_in_filter(std::string_view key);
  std::string open_words() const;
  void unknown(std::string_view key);
  size_t layer_of(const Filter& filter, size_t parent);

  Configuration::Impl& out_;
  FileReader& reader_;
  Expand expand_;
  std::vector<Open> stack_;
  std::vector<int> files_;  ///< of the include stack
  Origin at_;
};

/// Old names and forms. True: taken care of.
bool read_obsolete(Parser& parser, const Statement& statement);
/// The same for what is now a setting of services and their listeners.
bool read_obsolete_service(Parser& parser, const Statement& statement);
/// For a section's first line: an old name's new name, else as it is.
std::string renamed_section(Parser& parser, std::string_view word,
                            std::string_view name);

/// A known name that `word` may be a slip of; empty: none.
std::string similar_setting(const SectionInfo& section, std::string_view word);

}  // namespace mail::config::dovecot
