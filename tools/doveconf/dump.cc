#include "tools/doveconf/dump.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/config/dovecot/flatten.h"

namespace mail::doveconf {

namespace cf = config::dovecot;

namespace {

class Collector {
 public:
  Collector(const cf::Merged& merged, const cf::Merged& defaults,
            const Options& options)
      : merged_(merged), defaults_(defaults), options_(options) {}

  void section(const cf::SectionInfo& info, const std::string& path) {
    for (int id = 0; id < info.count; ++id) {
      const auto& setting = info.settings[id];
      if (setting.hidden && !options_.hidden && options_.scope == Scope::All &&
          options_.settings.empty()) {
        continue;
      }
      bool root = path.empty();
      if (root && !cf::read_by(setting, options_.modules)) continue;
      std::string key = path + std::string(setting.name);
      const cf::Entry* entry = merged_.find(key);
      if (setting.type == cf::Type::Strings) {
        strings(key, entry);
      } else {
        value(setting, key, entry, root);
        if (setting.type != cf::Type::List || !entry) continue;
        const auto& member = cf::kSections[info.lists[info.list_of(id)]];
        unnamed_ = member.unnamed();
        for (auto name : split(entry->text, " ")) {
          section(member, fmt::format("{}/{}/", key, name));
        }
        unnamed_ = false;
      }
    }
  }

  std::vector<Item> take() { return std::move(items_); }

 private:
  void strings(const std::string& key, const cf::Entry* entry) {
    if (!entry) return;
    items_.push_back({key, "", false, false, true});
    for (const auto& one : merged_.entries) {
      if (one.key.starts_with(key + "/")) add(one);
    }
  }

  void add(const cf::Entry& entry) {
    items_.push_back(
        {entry.key,
         options_.secrets ? entry.text : without_secrets(entry.key, entry.text),
         entry.is_file, entry.is_name, false});
  }

  void value(const cf::SettingInfo& setting, const std::string& key,
             const cf::Entry* entry, bool root) {
    bool list = setting.type == cf::Type::List;
    if (list && !entry) return;
    std::string fallback = setting.default_text ? setting.default_text : "";
    // The services that there are anyway count as set in "key=value" output.
    const auto* built_in = options_.simple ? nullptr : defaults_.find(key);
    if (built_in) fallback = built_in->text;
    switch (options_.scope) {
      case Scope::All:
        if (!entry && !setting.default_text) return;
        break;
      case Scope::NotDefault:
        if (!entry) return;
        // In a named section all that the file says counts.
        if (!root && !unnamed_ && !options_.simple && entry->at.file >= 0 &&
            !entry->is_name)
          break;
        if (!entry->is_file && entry->text == fallback) return;
        break;
      case Scope::Set:
        if (!entry || (entry->at.file < 0 && !options_.simple)) return;
        break;
    }
    if (entry) {
      add(*entry);
      items_.back().is_list = list;
      return;
    }
    items_.push_back(
        {key, options_.secrets ? fallback : without_secrets(key, fallback),
         false, false, list});
  }

  const cf::Merged& merged_;
  const cf::Merged& defaults_;
  const Options& options_;
  bool unnamed_ = false;  ///< inside passdb {} or userdb {}
  std::vector<Item> items_;
};

}  // namespace

std::vector<Item> collect(const cf::Merged& merged, const cf::Merged& defaults,
                          const Options& options) {
  Collector collector(merged, defaults, options);
  collector.section(cf::kSections[cf::kRoot], "");
  return collector.take();
}

std::vector<Item> collect_layer(const cf::Layer& layer,
                                const Options& options) {
  std::vector<Item> out;
  for (const auto& entry : layer.entries) {
    std::string_view top = entry.key;
    top = top.substr(0, top.find('/'));
    int id = cf::kSections[cf::kRoot].find(top);
    if (id >= 0 &&
        !cf::read_by(cf::kSections[cf::kRoot].settings[id], options.modules)) {
      continue;
    }
    auto setting = cf::find_setting(entry.key);
    bool list = setting && (setting->type == cf::Type::List ||
                            setting->type == cf::Type::Strings);
    out.push_back(
        {entry.key,
         options.secrets ? entry.text : without_secrets(entry.key, entry.text),
         entry.is_file, entry.is_name, list});
  }
  return out;
}

}  // namespace mail::doveconf
