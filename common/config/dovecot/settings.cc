#include "common/config/dovecot/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/config/dovecot/description.h"
#include "common/config/dovecot/flat_key.h"
#include "common/config/dovecot/value.h"

namespace mail::config::dovecot {

Values::Values(const SectionInfo& info)
    : info_(&info),
      texts_(static_cast<size_t>(info.count)),
      numbers_(static_cast<size_t>(info.count)),
      set_(static_cast<size_t>(info.count)),
      lists_(static_cast<size_t>(
          std::find(std::begin(info.lists), std::end(info.lists), -1) -
          std::begin(info.lists))) {
  for (int id = 0; id < info.count; ++id) {
    const auto& setting = info.settings[id];
    if (setting.type == Type::List || setting.type == Type::Strings) continue;
    const char* text = setting.default_text;
    auto value = read_value(setting, text ? text : "");
    if (!value) continue;  // the unit test reads all defaults
    texts_[static_cast<size_t>(id)] = std::move(value->text);
    numbers_[static_cast<size_t>(id)] = value->number;
  }
}

Values::Values(Values&&) noexcept = default;
Values& Values::operator=(Values&&) noexcept = default;
Values::~Values() = default;

const std::vector<Values>& Values::list(int list) const {
  return lists_[static_cast<size_t>(list)];
}

Settings::Settings() : root_(kSections[kRoot]) {}

/// Puts flat pairs into their places.
class SettingsBuilder {
 public:
  SettingsBuilder() : settings_(new Settings) {}

  void add(std::string_view key, std::string_view value) {
    if (add_string("plugin/", settings_->plugin_, key, value)) return;
    if (add_string("dict/", settings_->dict_, key, value)) return;
    Values* section = &settings_->root_;
    while (true) {
      size_t slash = key.find('/');
      int id = section->info_->find(key.substr(0, slash));
      if (id < 0) return;  // of a module that we do not have
      int list = section->info_->list_of(id);
      if (slash == std::string_view::npos) {
        if (list >= 0) {
          for (const auto& name : list_names(value))
            member(section, list, name);
        } else {
          set(*section, id, value);
        }
        return;
      }
      size_t next = key.find('/', slash + 1);
      if (list < 0 || next == std::string_view::npos) return;
      section = member(section, list,
                       unescape_name(key.substr(slash + 1, next - slash - 1)));
      key.remove_prefix(next + 1);
    }
  }

  Result<std::shared_ptr<const Settings>> take() {
    if (!errors_.empty()) return fail(Fault::Config, std::move(errors_));
    return std::shared_ptr<const Settings>(std::move(settings_));
  }

 private:
  static bool add_string(std::string_view prefix, Settings::Strings& strings,
                         std::string_view key, std::string_view value) {
    if (!key.starts_with(prefix)) return false;
    std::string name = unescape_name(key.substr(prefix.size()));
    for (auto& [known, text] : strings) {
      if (known == name) {
        text = value;
        return true;
      }
    }
    strings.emplace_back(std::move(name), value);
    return true;
  }

  /// The member of a list with this name, made if need be.
  static Values* member(Values* section, int list, std::string_view name) {
    auto& members = section->lists_[static_cast<size_t>(list)];
    for (auto& one : members) {
      if (one.name_ == name) return &one;
    }
    const auto& info = kSections[section->info_->lists[list]];
    members.emplace_back(info);
    auto& made = members.back();
    made.name_ = name;
    if (!info.unnamed()) made.texts_[0] = name;  // its first setting
    return &made;
  }

  void set(Values& section, int id, std::string_view text) {
    const auto& setting = section.info_->settings[id];
    if (setting.type == Type::Strings) return;
    auto value = read_value(setting, text);
    if (!value) {
      if (!errors_.empty()) errors_ += '\n';
      errors_ += fmt::format("{}: {}", setting.name, value.error().what);
      return;
    }
    auto at = static_cast<size_t>(id);
    section.texts_[at] = std::move(value->text);
    section.numbers_[at] = value->number;
    section.set_[at] = true;
  }

  std::unique_ptr<Settings> settings_;
  std::string errors_;
};

Result<std::shared_ptr<const Settings>> Settings::make(
    const FlatSettings& values) {
  SettingsBuilder builder;
  for (const auto& [key, value] : values) builder.add(key, value);
  return builder.take();
}

std::optional<std::string> Settings::text(std::string_view name) const {
  int id = kSections[kRoot].find(name);
  if (id < 0) return std::nullopt;
  return root_.text(id);
}

namespace {

/// The views of a list by the name of its setting.
template <class Of>
std::vector<Section<Of>> views(const Values& values, std::string_view name) {
  std::vector<Section<Of>> out;
  int id = values.info().find(name);
  for (const auto& one : values.list(values.info().list_of(id))) {
    out.emplace_back(&one);
  }
  return out;
}

std::optional<std::string_view> find_string(const Settings::Strings& strings,
                                            std::string_view name) {
  for (const auto& [known, text] : strings) {
    if (known == name) return text;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Section<Passdb>> Settings::passdbs() const {
  return views<Passdb>(root_, "passdb");
}
std::vector<Section<Userdb>> Settings::userdbs() const {
  return views<Userdb>(root_, "userdb");
}
std::vector<Section<Namespace>> Settings::namespaces() const {
  return views<Namespace>(root_, "namespace");
}
std::vector<Section<Service>> Settings::services() const {
  return views<Service>(root_, "service");
}
std::vector<Section<Metric>> Settings::metrics() const {
  return views<Metric>(root_, "metric");
}
std::vector<Section<EventExporter>> Settings::event_exporters() const {
  return views<EventExporter>(root_, "event_exporter");
}

std::optional<std::string_view> Settings::plugin(std::string_view name) const {
  return find_string(plugin_, name);
}
std::optional<std::string_view> Settings::dict(std::string_view name) const {
  return find_string(dict_, name);
}

std::vector<Section<Mailbox>> mailboxes(const Section<Namespace>& space) {
  return views<Mailbox>(space.values(), "mailbox");
}
std::vector<Section<UnixListener>> unix_listeners(const Section<Service>& s) {
  return views<UnixListener>(s.values(), "unix_listener");
}
std::vector<Section<FifoListener>> fifo_listeners(const Section<Service>& s) {
  return views<FifoListener>(s.values(), "fifo_listener");
}
std::vector<Section<InetListener>> inet_listeners(const Section<Service>& s) {
  return views<InetListener>(s.values(), "inet_listener");
}

}  // namespace mail::config::dovecot
