#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/params.h"
#include "common/config/postfix/transport.h"

namespace mail::config {

/// Where a value stands: line 0 is the command line (-o).
struct Definition {
  std::string value;  ///< as written, unexpanded
  int line = 0;
};
/// main.cf and -o, by name.
using Definitions = std::map<std::string, Definition, std::less<>>;

/// A parameter that is set, but that no program of this version reads.
struct UnbuiltParam {
  std::string name, file;
  int line = 0;  ///< 0: from the command line
};

/// All of Postfix's parameters, expanded and checked, for one program; never
/// changes. Made by load() (load.h). get() costs an array index.
///   settings->get(param::smtpd_helo_required)              bool
///   settings->get(param::client::connect_timeout, mode)    smtp_ or lmtp_
class Settings {
 public:
  bool get(param::Bool p) const { return numbers_[p.id] != 0; }
  long get(param::Int p) const { return numbers_[p.id]; }
  std::chrono::seconds get(param::Time p) const {
    return std::chrono::seconds(numbers_[p.id]);
  }
  const std::string& get(param::String p) const { return strings_[p.id]; }
  template <class Kind>
  decltype(auto) get(const param::Pair<Kind>& pair, ClientMode mode) const {
    return get(pair.in(mode));
  }

  /// Whether main.cf or -o set it.
  bool is_set(std::string_view name) const;
  /// Whether compatibility_level is below MAJOR.MINOR.PATCH; then a parameter
  /// that is not set may have its default of old, which users must be told.
  bool below_level(int major, int minor = 0, int patch = 0) const;

  /// Any parameter's value, expanded, by its name: built in (as get(), so
  /// with host facts) or of the user's own making (restriction classes).
  /// nullopt: not defined. Errors: Config, from expansion.
  Result<std::optional<std::string>> value(std::string_view name) const;
  /// `text` with each $name replaced by value(name). Errors: Config.
  Result<std::string> expand(std::string_view text) const;

  /// SERVICE_<what> of a delivery service, or its default.
  /// Errors: Config, as for a bad number.
  Result<long> transport(std::string_view service, TransportInt what) const;
  Result<std::chrono::seconds> transport(std::string_view service,
                                         TransportTime what) const;
  Result<std::string> transport(std::string_view service,
                                TransportString what) const;

  /// For master's warnings at start, in order of line.
  std::vector<UnbuiltParam> unbuilt_but_set() const;

  const Definitions& definitions() const { return definitions_; }
  const std::string& main_cf() const { return main_cf_; }

 private:
  friend class Loader;
  /// The unexpanded text of `name`; what load() has evaluated, evaluated.
  std::optional<std::string> text_of(std::string_view name) const;
  Result<std::string> transport_text(std::string_view service,
                                     std::string_view suffix) const;

  std::vector<std::string> strings_;
  std::vector<long> numbers_;
  Definitions definitions_;
  std::string main_cf_;  ///< its path, for messages
};

using SettingsPtr = std::shared_ptr<const Settings>;

}  // namespace mail::config
