#include <errno.h>
#include <fcntl.h>
#include <fmt/core.h>

#include <map>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/maps/change.h"
#include "common/maps/fold.h"
#include "common/maps/source.h"
#include "common/maps/text_file.h"
#include "common/maps/types.h"

// Tables that live in memory: texthash, inline, internal.
namespace mail::maps {
namespace {

class MemoryTable : public Table {
 public:
  MemoryTable(std::string name, const OpenOptions& options)
      : Table(std::move(name), options, flag::kFixed) {}

  /// False: it was there, and was replaced only if the flags say so.
  bool add(std::string_view key, std::string value, bool replace) {
    std::string buffer;
    std::string_view folded = key;
    if ((flags_ & flag::kFoldFix) != 0) {
      folded = fold_case(key, (flags_ & flag::kUtf8Active) != 0, buffer);
    }
    auto [at, added] = entries_.try_emplace(std::string(folded), value);
    if (!added && replace) at->second = std::move(value);
    return added;
  }
  Result<std::optional<Entry>> first() override {
    last_.reset();
    return next();
  }
  Result<std::optional<Entry>> next() override {
    auto at = last_ ? entries_.upper_bound(*last_) : entries_.begin();
    if (at == entries_.end()) return std::optional<Entry>();
    last_ = at->first;
    return std::optional<Entry>(Entry(at->first, at->second));
  }

 protected:
  Result<Found> get(std::string_view key) override {
    auto at = entries_.find(key);
    if (at == entries_.end()) return Found();
    return Found(at->second);
  }
  std::map<std::string, std::string, std::less<>> entries_;

 private:
  std::optional<std::string> last_;  // where next() stands
};

class InternalTable : public MemoryTable {
 public:
  using MemoryTable::MemoryTable;

 protected:
  Result<bool> put(std::string_view key, std::string_view value) override {
    bool replace = (flags_ & flag::kDupReplace) != 0;
    auto [at, added] = entries_.try_emplace(std::string(key), value);
    if (!added && replace) at->second = value;
    return added || replace;
  }
  Result<bool> erase(std::string_view key) override {
    auto at = entries_.find(key);
    if (at == entries_.end()) return false;
    entries_.erase(at);
    return true;
  }
};

class TextHash : public MemoryTable {
 public:
  TextHash(std::string name, std::string path, const OpenOptions& options)
      : MemoryTable(std::move(name), options),
        file_(std::move(path), options.root, "open database ") {}

  Result<> load() {
    std::string text = TRY(file_.read());
    auto told = [this](std::string_view line) { warn(line); };
    MapSource source(
        text, file_.path(),
        {(flags_ & flag::kUtf8Active) != 0, /*texthash=*/true, told});
    entries_.clear();
    bool replace = (flags_ & flag::kDupReplace) != 0;
    while (auto entry = source.next()) {
      if (add(entry->key, std::move(entry->value), replace)) continue;
      if ((flags_ & (flag::kDupReplace | flag::kDupIgnore)) != 0) continue;
      warn(fmt::format("{}, line {}: duplicate entry: \"{}\"", file_.path(),
                       entry->line, entry->key));
    }
    return {};
  }
  void refresh(Instant now) override {
    if (!file_.changed(now)) return;
    inform(change_text(*this, options_));
    if (!load() && options_.restart) options_.restart();
  }

 private:
  TextFile file_;
};

Failure inline_error(std::string_view what, std::string_view name) {
  return fail(
      Fault::Config,
      fmt::format("{}: \"inline:{}\"; need \"inline:{{name=value...}}\"", what,
                  name));
}

}  // namespace

Opened open_texthash(const std::string& name, const OpenOptions& options) {
  TRY(read_only("texthash:" + name, options));
  auto table = std::make_unique<TextHash>("texthash:" + name, name, options);
  TRY(table->load());
  return Opened(std::move(table));
}

Opened open_inline(const std::string& name, const OpenOptions& options) {
  TRY(read_only("inline:" + name, options));
  auto items = braced_items(name);
  if (!items) return inline_error("bad syntax", name);
  auto table = std::make_unique<MemoryTable>("inline:" + name, options);
  for (const std::string& item : *items) {
    size_t equals = item.find('=');
    if (equals == item.npos) {
      return inline_error("missing '=' after attribute name", name);
    }
    std::string_view key = trim(std::string_view(item).substr(0, equals));
    std::string_view value = trim(std::string_view(item).substr(equals + 1));
    table->add(key, std::string(value), /*replace=*/true);
  }
  return Opened(std::move(table));
}

Opened open_internal(const std::string& name, const OpenOptions& options) {
  return Opened(std::make_unique<InternalTable>("internal:" + name, options));
}

}  // namespace mail::maps
