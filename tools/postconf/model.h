#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/load.h"
#include "tools/postconf/master_file.h"
#include "tools/postconf/options.h"

namespace mail::postconf {

enum class Class { Builtin, Service, User };
struct Entry {
  Class kind = Class::Builtin;
  std::string default_text;
  bool raw = false;        ///< -x leaves it as it is
  bool read_only = false;  ///< process_id and its like
};

/// All that postconf knows: both files, and the parameters they make known.
class Model {
 public:
  using Warnings = std::vector<std::string>;
  /// Reads what `options` need. Errors: Config, the text for "fatal: ".
  static Result<Model> load(const Options& options,
                            const config::HostFacts& host,
                            const config::FileReader& read,
                            const config::WarningSink& warn);

  const std::map<std::string, Entry, std::less<>>& params() const {
    return params_;
  }
  const std::vector<MasterEntry>& master() const { return master_; }
  std::vector<MasterEntry>& master() { return master_; }
  const std::string& directory() const { return directory_; }

  /// main.cf's or -o's text; nullptr when the default holds.
  const std::string* explicit_text(std::string_view name) const;
  /// The text to show, unexpanded.
  std::string text_of(std::string_view name, const Entry& entry) const;
  /// Expanded as -x does, for a service of master.cf with its -o options.
  Result<std::string> expand(std::string_view text,
                             const MasterEntry* service = nullptr) const;
  /// "unused parameter" and its like, after the output.
  Warnings unused(bool only_master) const;

 private:
  explicit Model(const Options& options);
  void add_builtin();
  Result<> add_service_params();
  void add_user_params(const config::WarningSink& warn);
  void check_databases(std::string_view text, const config::WarningSink& warn);
  void check_database_file(std::string_view type, const std::string& path,
                           const config::WarningSink& warn);
  void see(std::string_view text, bool is_default,
           const config::WarningSink& warn, std::string_view file,
           const MasterEntry* service);
  bool add_user(std::string_view name);
  std::optional<std::string> lookup(std::string_view name,
                                    const MasterEntry* service) const;

  bool defaults_only_ = false;
  std::string directory_;
  config::Definitions main_;
  std::vector<MasterEntry> master_;
  std::map<std::string, Entry, std::less<>> params_;
  config::FileReader read_;
  config::HostFacts host_;
};

}  // namespace mail::postconf
