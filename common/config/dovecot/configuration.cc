#include "common/config/dovecot/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/base/ascii.h"
#include "common/config/dovecot/checks.h"
#include "common/config/dovecot/description.h"
#include "common/config/dovecot/flat_key.h"
#include "common/config/dovecot/flatten.h"
#include "common/config/dovecot/layers.h"
#include "common/config/dovecot/parser.h"

namespace mail::config::dovecot {

std::string Problem::message() const {
  if (kind == Kind::Warning) return text;
  if (file.empty()) return text;
  if (line == 0) {
    return fmt::format("Error in configuration file {}: {}", file, text);
  }
  return fmt::format("Error in configuration file {} line {}: {}", file, line,
                     text);
}

namespace {

/// The service {} blocks that there are without any file.
void add_defaults(Layer& layer) {
  for (int i = 0; i < kServiceDefaultCount; ++i) {
    const auto& [key, value] = kServiceDefaults[i];
    Entry& entry = layer.put(std::string(key));
    entry.text = value;
    auto place = find_place(key);
    if (!place || place->section->settings[place->id].type != Type::List) {
      continue;
    }
    const auto& info =
        kSections[place->section->lists[place->section->list_of(place->id)]];
    for (auto id : split(value, " ")) {
      Entry& name =
          layer.put(fmt::format("{}/{}/{}", key, id, info.settings[0].name));
      name.text = unescape_name(id);
      name.is_name = true;
    }
  }
}

}  // namespace

Configuration::Configuration() : impl_(new Impl) {
  impl_->layers.emplace_back();
  add_defaults(impl_->layers[0]);
}
Configuration::Configuration(Configuration&&) noexcept = default;
Configuration& Configuration::operator=(Configuration&&) noexcept = default;
Configuration::~Configuration() = default;

Configuration Configuration::defaults() { return {}; }

Configuration Configuration::load(const std::string& path, FileReader& reader,
                                  Expand expand) {
  Configuration out;
  out.impl_->path = path;
  Parser parser(*out.impl_, reader, expand);
  parser.run(path);
  // A value that refers to nothing cannot be checked.
  if (!out.has_errors()) check(*out.impl_);
  return out;
}

const std::vector<Problem>& Configuration::problems() const {
  return impl_->problems;
}

bool Configuration::has_errors() const {
  return std::any_of(impl_->problems.begin(), impl_->problems.end(),
                     [](const Problem& problem) {
                       return problem.kind == Problem::Kind::Error;
                     });
}

namespace {

/// Plugins that are not built, of a value of mail_plugins.
std::vector<std::string_view> unbuilt_plugins(std::string_view text) {
  std::vector<std::string_view> out;
  for (auto plugin : split(text, " ,")) {
    bool built = plugin == "quota" || plugin == "imap_quota" ||
                 plugin == "imap_zlib" || plugin.starts_with('$');
    if (!built) out.push_back(plugin);
  }
  return out;
}

}  // namespace

std::vector<std::string> Configuration::unbuilt_but_set() const {
  std::vector<std::string> out;
  std::set<std::string_view> told;
  for (const auto& layer : impl_->layers) {
    for (const auto& entry : layer.entries) {
      if (entry.key == "mail_plugins" && entry.at.file >= 0) {
        for (auto plugin : unbuilt_plugins(entry.text)) {
          if (!told.insert(plugin).second) continue;
          out.push_back(fmt::format(
              "mail_plugins: {} is set at {} line {}, but not built yet",
              plugin, impl_->files[static_cast<size_t>(entry.at.file)],
              entry.at.line));
        }
      }
      auto place = find_place(entry.key);
      if (entry.at.file < 0 || !place || place->section != &kSections[kRoot] ||
          kBuilt[kRoot][place->id] == '1') {
        continue;
      }
      const auto& setting = place->section->settings[place->id];
      // Set to what it is anyway: nothing is missed.
      if (setting.default_text && entry.text == setting.default_text) continue;
      if (!told.insert(setting.name).second) continue;
      out.push_back(fmt::format(
          "{} is set at {} line {}, but not built yet", setting.name,
          impl_->files[static_cast<size_t>(entry.at.file)], entry.at.line));
    }
  }
  return out;
}

Result<FlatSettings> Configuration::flat(
    const Context& context, const std::vector<std::string>& modules,
    FileReader& reader) const {
  std::vector<const Layer*> layers;
  for (const Layer* layer : impl_->ordered()) {
    if (layer->filter.matches(context)) layers.push_back(layer);
  }
  return flatten(merge(layers), modules, impl_->files, reader);
}

Result<SettingsPtr> Configuration::settings(const Context& context,
                                            FileReader& reader) const {
  auto values = TRY(flat(context, {}, reader));
  return Settings::make(values);
}

}  // namespace mail::config::dovecot
