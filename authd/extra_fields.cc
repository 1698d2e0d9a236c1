#include "authd/extra_fields.h"

#include <algorithm>

#include "common/ipc/tabbed.h"

namespace mail::authd {

void ExtraFields::set(std::string_view name, std::string_view value,
                      bool hidden) {
  for (auto& field : fields_) {
    if (field.name != name) continue;
    field.value = value;
    field.hidden = hidden;
    return;
  }
  fields_.push_back({std::string(name), std::string(value), hidden});
}

void ExtraFields::remove(std::string_view name) {
  std::erase_if(fields_, [&](const Field& f) { return f.name == name; });
}

const ExtraFields::Field* ExtraFields::find(std::string_view name) const {
  for (const auto& field : fields_) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

std::string_view ExtraFields::get(std::string_view name) const {
  const Field* field = find(name);
  return field ? std::string_view(field->value) : std::string_view();
}

std::string ExtraFields::encode(
    const std::vector<std::string_view>& bare) const {
  if (fields_.empty()) return "";
  std::string out = "\t";
  bool first = true;
  for (const auto& field : fields_) {
    if (field.hidden) continue;
    if (!first) out += '\t';
    first = false;
    out += ipc::tab_escape(field.name);
    bool is_bare = field.value.empty() || std::find(bare.begin(), bare.end(),
                                                    field.name) != bare.end();
    if (!is_bare) out += "=" + ipc::tab_escape(field.value);
  }
  return out;
}

}  // namespace mail::authd
