#include "common/config/dovecot/description.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

#include "common/base/ascii.h"
#include "common/config/dovecot/flat_key.h"

namespace mail::config::dovecot {

namespace {

/// The root's 328 names: each key of a file is looked up.
const std::unordered_map<std::string_view, int>& root_names() {
  static const auto names = [] {
    std::unordered_map<std::string_view, int> made;
    const auto& root = kSections[kRoot];
    for (int id = 0; id < root.count; ++id) {
      made.emplace(root.settings[id].name, id);
    }
    return made;
  }();
  return names;
}

}  // namespace

int SectionInfo::find(std::string_view setting) const {
  if (this == &kSections[kRoot]) {
    auto found = root_names().find(setting);
    return found == root_names().end() ? -1 : found->second;
  }
  for (int id = 0; id < count; ++id) {
    if (settings[id].name == setting) return id;
  }
  return -1;
}

int SectionInfo::list_of(int id) const {
  if (settings[id].type != Type::List) return -1;
  int list = 0;
  for (int i = 0; i < id; ++i) {
    if (settings[i].type == Type::List) ++list;
  }
  return list;
}

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

const SettingInfo* find_setting(std::string_view flat_key) {
  auto place = find_place(flat_key);
  return place ? &place->section->settings[place->id] : nullptr;
}

}  // namespace mail::config::dovecot
