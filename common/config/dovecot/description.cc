#include "common/config/dovecot/description.h"

#include <algorithm>

namespace mail::config::dovecot {

namespace {
constexpr const char* kTexts = kSettingTexts;

/// The root has 328 names, and each key of a file is looked up.
int find_in_root(std::string_view name) {
  const SettingTable& root = kSections[kRoot].settings;
  auto name_of = [&](uint16_t id) { return root.packed(id).name.in(kTexts); };
  const uint16_t* end = kRootByName + kSections[kRoot].count;
  const uint16_t* at = std::lower_bound(
      kRootByName, end, name, [&](uint16_t id, std::string_view wanted) {
        return name_of(id) < wanted;
      });
  return at != end && name_of(*at) == name ? *at : -1;
}

}  // namespace

const PackedSetting& SettingTable::packed(int id) const {
  return kPackedSettings[first_ + id];
}

SettingInfo SettingTable::operator[](int id) const {
  const PackedSetting& p = packed(id);
  return {p.name.in(kTexts),
          p.type,
          p.default_text.at == 0 ? nullptr : kTexts + p.default_text.at,
          p.words.in(kTexts),
          p.modules.in(kTexts),
          p.hidden};
}

DefaultValue ServiceDefaults::operator[](int index) const {
  const PackedDefault& packed = kPackedServiceDefaults[index];
  return {packed.key.in(kTexts), packed.value.in(kTexts)};
}

int SectionInfo::find(std::string_view setting) const {
  if (this == &kSections[kRoot]) return find_in_root(setting);
  for (int id = 0; id < count; ++id) {
    if (settings.packed(id).name.in(kTexts) == setting) return id;
  }
  return -1;
}

int SectionInfo::list_of(int id) const { return settings.packed(id).list; }

std::optional<Place> find_place(std::string_view flat_key) {
  const SectionInfo* section = &kSections[kRoot];
  while (true) {
    size_t slash = flat_key.find('/');
    int id = section->find(flat_key.substr(0, slash));
    if (id < 0) return std::nullopt;
    if (slash == std::string_view::npos) return Place{section, id};
    int list = section->list_of(id);
    if (list < 0) return std::nullopt;  // plugin/NAME
    size_t next = flat_key.find('/', slash + 1);
    if (next == std::string_view::npos) return std::nullopt;
    section = &kSections[section->lists[list]];
    flat_key.remove_prefix(next + 1);
  }
}

std::optional<SettingInfo> find_setting(std::string_view flat_key) {
  auto place = find_place(flat_key);
  if (!place) return std::nullopt;
  return place->section->settings[place->id];
}

}  // namespace mail::config::dovecot
