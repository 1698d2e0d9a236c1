#include <fcntl.h>
#include <fmt/core.h>

#include <array>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "common/maps/types.h"
#include "common/maps/watched_path.h"

namespace mail::maps {
namespace {

struct Type {
  std::string_view name;
  Opened (*open)(const std::string& name, const OpenOptions& options);
};
constexpr Type kTypes[] = {
    {"hash", open_hash},         {"btree", open_btree},
    {"lmdb", open_lmdb},         {"texthash", open_texthash},
    {"inline", open_inline},     {"internal", open_internal},
    {"static", open_static},     {"environ", open_environ},
    {"fail", open_fail},         {"unix", open_unix},
    {"regexp", open_regexp},     {"pcre", open_pcre},
    {"cidr", open_cidr},         {"pipemap", open_pipemap},
    {"unionmap", open_unionmap}, {"randmap", open_randmap},
    {"proxy", open_proxy},
};
constexpr std::string_view kNotBuilt[] = {
    "cdb",  "nis",   "tcp",   "socketmap", "memcache",
    "ldap", "mysql", "pgsql", "sqlite",
};

/// Where the table is, if it is a file.
std::string path_of(std::string_view type_name) {
  size_t colon = std::min(type_name.find(':'), type_name.size());
  std::string_view type = type_name.substr(0, colon);
  std::string path(type_name.substr(std::min(colon + 1, type_name.size())));
  if (type == "hash" || type == "btree") return path + ".db";
  return type == "lmdb" ? path + ".lmdb" : path;
}

class Unavailable : public Table {
 public:
  Unavailable(std::string name, const OpenOptions& options, std::string why)
      : Table(std::move(name), options, flag::kFixed),
        watched_(path_of(name_), options.root),
        text_(fmt::format("{} is unavailable. {}", name_, why)) {
    if (auto fd = watched_.open(O_RDONLY)) watched_.seen(fd->get());
  }
  std::string_view unavailable() const override { return text_; }
  /// Another file than the one that failed: a new process may open it.
  void refresh(Instant now) override {
    if (watched_.changed(now) && options_.restart) options_.restart();
  }

 protected:
  Result<Found> get(std::string_view) override {
    return fail(Fault::Temporary, text_);
  }

 private:
  WatchedPath watched_;
  std::string text_;
};

}  // namespace

Result<> read_only(std::string_view type_name, const OpenOptions& options) {
  if ((options.mode & (O_RDWR | O_WRONLY)) == 0) return {};
  return fail(Fault::Config,
              fmt::format("{} map requires O_RDONLY access mode", type_name));
}

std::optional<std::vector<std::string>> braced_items(std::string_view name) {
  if (name.size() < 2 || name.front() != '{' || name.back() != '}') {
    return std::nullopt;
  }
  std::vector<std::string> items;
  for (std::string_view item : split_braced(name.substr(1, name.size() - 2))) {
    if (item.front() == '{') {
      if (item.size() < 2 || item.back() != '}') return std::nullopt;
      item = trim(item.substr(1, item.size() - 2));
    }
    items.emplace_back(item);
  }
  if (items.empty()) return std::nullopt;
  return items;
}

Opened open_table(std::string_view type_name, const OpenOptions& options) {
  size_t colon = type_name.find(':');
  if (colon == 0 || colon == type_name.npos || colon + 1 == type_name.size()) {
    return fail(Fault::Config,
                fmt::format("open dictionary: expecting \"type:name\" form "
                            "instead of \"{}\"",
                            type_name));
  }
  std::string_view type = type_name.substr(0, colon);
  for (const Type& each : kTypes) {
    if (each.name == type) {
      return each.open(std::string(type_name.substr(colon + 1)), options);
    }
  }
  std::string text = fmt::format("unsupported dictionary type: {}", type);
  for (std::string_view each : kNotBuilt) {
    if (each == type) text += " (this version does not have it yet)";
  }
  return fail(Fault::Config, std::move(text));
}

std::unique_ptr<Table> open_table_or_unavailable(std::string_view type_name,
                                                 const OpenOptions& options) {
  auto table = open_table(type_name, options);
  if (table) return std::move(*table);
  log::error(table.error().what);
  return std::make_unique<Unavailable>(std::string(type_name), options,
                                       table.error().what);
}

}  // namespace mail::maps
