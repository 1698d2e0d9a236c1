#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/config/dovecot/setting_list.h"

namespace mail::config::dovecot {

struct SectionInfo;

/// "key=value" pairs as the config service sends them, and as a file becomes
/// after filters: "passdb/0/driver", names with '/' as "\s", blanks as "\_".
/// A list of sections stands before its members: "passdb" = "0 1".
using FlatSettings = std::vector<std::pair<std::string, std::string>>;

/// The values of one section (or of the root), evaluated. Internal; use
/// Section<Of> and Settings.
class Values {
 public:
  explicit Values(const SectionInfo& info);
  Values(Values&&) noexcept;
  Values& operator=(Values&&) noexcept;
  ~Values();

  const std::string& text(int id) const { return texts_[id]; }
  long long number(int id) const { return numbers_[id]; }
  bool is_set(int id) const { return set_[id]; }
  const SectionInfo& info() const { return *info_; }
  const std::string& name() const { return name_; }
  /// Sections of list number `list` (SectionInfo's order), in file order.
  const std::vector<Values>& list(int list) const;

 private:
  friend class SettingsBuilder;
  const SectionInfo* info_;
  std::string name_;
  std::vector<std::string> texts_;
  std::vector<long long> numbers_;
  std::vector<bool> set_;
  std::vector<std::vector<Values>> lists_;
};

/// One passdb {}, namespace {}, mailbox {}, service {} ...:
///   section.get(setting::passdb::driver)
/// A view: lives as long as the Settings it came from.
template <class Of>
class Section {
 public:
  explicit Section(const Values* values) : values_(values) {}

  bool get(setting::Bool<Of> s) const { return values_->number(s.id) != 0; }
  unsigned long get(setting::Uint<Of> s) const {
    return static_cast<unsigned long>(values_->number(s.id));
  }
  unsigned long get(setting::Size<Of> s) const {
    return static_cast<unsigned long>(values_->number(s.id));
  }
  std::chrono::seconds get(setting::Time<Of> s) const {
    return std::chrono::seconds(values_->number(s.id));
  }
  std::chrono::milliseconds get(setting::TimeMs<Of> s) const {
    return std::chrono::milliseconds(values_->number(s.id));
  }
  const std::string& get(setting::String<Of> s) const {
    return values_->text(s.id);
  }
  const std::string& get(setting::Enum<Of> s) const {
    return values_->text(s.id);
  }
  /// Whether the file (or the config service) gave it another value than its
  /// default.
  template <class Handle>
  bool is_set(Handle s) const {
    return values_->is_set(s.id);
  }
  /// "inbox" of `namespace inbox {`; passdb and userdb: "0", "1", ...
  const std::string& name() const { return values_->name(); }
  const Values& values() const { return *values_; }

 private:
  const Values* values_;
};

/// All settings of Dovecot for one program and one filter context, evaluated;
/// never changes. get() costs an array index.
///   settings->get(setting::mail_location)             const std::string&
///   settings->get(setting::auth_failure_delay)        std::chrono::seconds
///   for (auto passdb : settings->passdbs())
///     passdb.get(setting::passdb::driver)
class Settings {
 public:
  /// Of the config service's answer, or of Configuration::flat(). Unknown keys
  /// are left out (a module's that we do not know). Errors: Config, all bad
  /// values, one a line.
  static Result<std::shared_ptr<const Settings>> make(
      const FlatSettings& values);

  template <class Handle>
  decltype(auto) get(Handle handle) const {
    return Section<Root>(&root_).get(handle);
  }
  template <class Handle>
  bool is_set(Handle handle) const {
    return Section<Root>(&root_).is_set(handle);
  }
  /// Any root setting as text ("90 mins"), by its name; nullopt: no such one.
  std::optional<std::string> text(std::string_view name) const;

  std::vector<Section<Passdb>> passdbs() const;
  std::vector<Section<Userdb>> userdbs() const;
  std::vector<Section<Namespace>> namespaces() const;
  std::vector<Section<Service>> services() const;
  std::vector<Section<Metric>> metrics() const;
  std::vector<Section<EventExporter>> event_exporters() const;

  /// plugin { } and dict { }: in the order of the file, each name once.
  using Strings = std::vector<std::pair<std::string, std::string>>;
  const Strings& plugin() const { return plugin_; }
  const Strings& dict() const { return dict_; }
  /// A value of plugin { }; nullopt: not set.
  std::optional<std::string_view> plugin(std::string_view name) const;
  std::optional<std::string_view> dict(std::string_view name) const;

 private:
  friend class SettingsBuilder;
  Settings();
  Values root_;
  Strings plugin_, dict_;
};

using SettingsPtr = std::shared_ptr<const Settings>;

std::vector<Section<Mailbox>> mailboxes(const Section<Namespace>& space);
std::vector<Section<UnixListener>> unix_listeners(const Section<Service>& s);
std::vector<Section<FifoListener>> fifo_listeners(const Section<Service>& s);
std::vector<Section<InetListener>> inet_listeners(const Section<Service>& s);

}  // namespace mail::config::dovecot
