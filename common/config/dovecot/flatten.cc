#include "common/config/dovecot/flatten.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/base/ascii.h"
#include "common/config/dovecot/description.h"

namespace mail::config::dovecot {

bool read_by(const SettingInfo& setting,
             const std::vector<std::string>& modules) {
  if (modules.empty() || setting.modules == "all") return true;
  for (auto reader : split(setting.modules, " ")) {
    if (std::find(modules.begin(), modules.end(), reader) != modules.end()) {
      return true;
    }
  }
  return false;
}

namespace {

class Flattener {
 public:
  Flattener(const Merged& merged, const std::vector<std::string>& files,
            FileReader& reader)
      : merged_(merged), files_(files), reader_(reader) {
    // plugin {} and dict {}: their keys in the order of the file.
    for (const auto& entry : merged.entries) {
      for (const char* top : {"plugin/", "dict/"}) {
        if (entry.key.starts_with(top)) strings_[top].push_back(&entry);
      }
    }
  }

  Result<> section(const SectionInfo& info, const std::string& path,
                   const std::vector<std::string>& modules) {
    for (int id = 0; id < info.count; ++id) {
      const auto& setting = info.settings[id];
      bool root = info.name == "root";
      if (root && !read_by(setting, modules)) continue;
      const Entry* entry = merged_.find(path + std::string(setting.name));
      if (!entry) continue;
      TRY(add(*entry));
      if (setting.type == Type::List) {
        const auto& member = kSections[info.lists[info.list_of(id)]];
        for (auto name : split(entry->text, " ")) {
          TRY(section(member, fmt::format("{}/{}/", entry->key, name), {}));
        }
      } else if (setting.type == Type::Strings) {
        for (const Entry* one : strings_[entry->key + "/"]) TRY(add(*one));
      }
    }
    return {};
  }

  FlatSettings take() { return std::move(out_); }

 private:
  Result<> add(const Entry& entry) {
    if (!entry.is_file) {
      out_.emplace_back(entry.key, entry.text);
      return {};
    }
    auto text = reader_.read(entry.text);
    if (!text) {
      return fail(
          Fault::Config,
          fmt::format("Error in configuration file {} line {}: {}: "
                      "Can't open file {}: {}",
                      files_[static_cast<size_t>(entry.at.file)], entry.at.line,
                      entry.key, entry.text, text.error().what));
    }
    out_.emplace_back(entry.key, std::move(*text));
    return {};
  }

  const Merged& merged_;
  const std::vector<std::string>& files_;
  FileReader& reader_;
  std::map<std::string, std::vector<const Entry*>, std::less<>> strings_;
  FlatSettings out_;
};

}  // namespace

Result<FlatSettings> flatten(const Merged& merged,
                             const std::vector<std::string>& modules,
                             const std::vector<std::string>& files,
                             FileReader& reader) {
  Flattener flattener(merged, files, reader);
  TRY(flattener.section(kSections[kRoot], "", modules));
  return flattener.take();
}

}  // namespace mail::config::dovecot
