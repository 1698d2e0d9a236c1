#include "smtpd/sni.h"

#include "common/base/ascii.h"
#include "common/maps/rhs_file.h"

namespace mail::smtpd {

Result<std::unique_ptr<SniChains>> SniChains::open(
    const std::string& list, const maps::OpenOptions& options) {
  auto tables = TRY(maps::Tables::open("tls_server_sni_maps", list, options));
  auto root = TRY(RealRoot::open());
  std::unique_ptr<SniChains> out(
      new SniChains(std::move(tables), std::move(root)));
  out->read_all();
  return out;
}

/// What later, as another user, could perhaps not be read. What cannot be read
/// now is told to who asks for it.
void SniChains::read_all() {
  for (const auto& table : tables_.members()) {
    if (!maps::holds_names(*table)) continue;
    auto entry = table->first();
    while (entry && *entry) {
      (void)contents((*entry)->second);
      entry = table->next();
    }
  }
}

Result<std::string> SniChains::read(const std::string& path) {
  auto& file = files_[path];
  bool known = file != nullptr;
  if (!known) file = std::make_unique<File>(path);
  if (known && !file->text.empty() && !file->watched.changed(root_)) {
    return file->text;
  }
  auto text = file->watched.read(root_);
  if (text) file->text = std::move(*text);
  // A chain that only root may read serves on as it was.
  if (file->text.empty()) return fail(std::move(text).error());
  return file->text;
}

Result<std::string> SniChains::contents(std::string_view list) {
  std::string all;
  for (std::string_view file : split(list)) {
    all += TRY(read(std::string(file)));
    all += '\n';
  }
  return all;
}

Result<std::optional<std::string>> SniChains::find(const std::string& name) {
  auto answer = tables_.find_now(name);
  if (!answer) {
    return fail(Fault::Temporary,
                "tables of other processes (proxy:) are not asked for keys");
  }
  auto found = TRY(std::move(*answer));
  if (!found) return std::optional<std::string>();
  if (maps::holds_names(*found->table)) {
    return std::optional<std::string>(TRY(contents(found->value)));
  }
  return std::optional<std::string>(
      TRY(maps::decode_value(*found->table, found->value)));
}

}  // namespace mail::smtpd
