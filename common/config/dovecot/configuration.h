#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/dovecot/settings.h"

namespace mail::config::dovecot {

/// What settings are asked for: who, and about which connection. Empty parts
/// match only what stands outside of such filters.
struct Context {
  std::string service;     ///< "imap", "lmtp", "lda": `protocol NAME {`
  std::string local_name;  ///< TLS server name
  std::string local_ip, remote_ip;
};

/// Something wrong (or only odd) in a configuration.
struct Problem {
  enum class Kind { Error, Warning };
  Kind kind = Kind::Error;
  std::string file;       ///< empty: of no one place
  int line = 0;           ///< 0: of no one line
  std::string text;       ///< the original's words, "Unknown setting: foo"
  std::string hint;       ///< what is allowed or meant; may be empty
  bool obsolete = false;  ///< a Warning of an old setting
  bool late = false;      ///< found by the checks at the end

  /// "Error in configuration file F line N: TEXT", as doveconf prints it.
  std::string message() const;
};

/// Reads what `!include` and `<file` name. Paths are absolute.
class FileReader {
 public:
  virtual ~FileReader() = default;
  /// Errors: with errno.
  virtual Result<std::string> read(const std::string& path) = 0;
  /// Paths matching a glob(7) pattern with braces, sorted.
  virtual std::vector<std::string> glob(const std::string& pattern) = 0;
  /// $ENV:NAME
  virtual std::string environment(const std::string& name) = 0;
  /// Addresses of a host that `local` or `remote` names, as text.
  virtual std::vector<std::string> resolve(const std::string& host) = 0;
};

/// How values with `$name` are kept.
enum class Expand {
  No,  ///< as written (doveconf); only `key = $key more` is expanded
  Yes,
};

/// A dovecot.conf with all that it includes, parsed and checked.
class Configuration {
 public:
  struct Impl;
  Configuration(Configuration&&) noexcept;
  Configuration& operator=(Configuration&&) noexcept;
  ~Configuration();

  /// Never stops at the first error: problems() has them all.
  static Configuration load(const std::string& path, FileReader& reader,
                            Expand expand = Expand::Yes);
  /// The defaults alone (doveconf -d).
  static Configuration defaults();

  const std::vector<Problem>& problems() const;
  bool has_errors() const;

  /// The values of a context as the config service sends them. `modules`:
  /// only what these read (empty: all). Reads `<file` values.
  /// Errors: Config, a file that cannot be read.
  Result<FlatSettings> flat(const Context& context,
                            const std::vector<std::string>& modules,
                            FileReader& reader) const;
  /// The same as typed settings.
  Result<SettingsPtr> settings(const Context& context,
                               FileReader& reader) const;

  /// What a file sets, but no program of this version reads: "NAME is set at
  /// FILE line N, but not built yet", each name once.
  std::vector<std::string> unbuilt_but_set() const;

  const Impl& impl() const { return *impl_; }

 private:
  Configuration();
  std::unique_ptr<Impl> impl_;
};

}  // namespace mail::config::dovecot
