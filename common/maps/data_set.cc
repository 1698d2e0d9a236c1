#include "common/maps/data_set.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <regex.h>
#include <string.h>

#include <unordered_map>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/base/wildcard.h"
#include "common/maps/data_set_database.h"

namespace mail::maps {

namespace {

constexpr size_t kMaxFile = 256u << 20;

struct TypeName {
  std::string_view name;
  std::optional<DataSet::Kind> kind;  // nullopt: not built
};
constexpr TypeName kKindNames[] = {{"csl", DataSet::Kind::List},
                                   {"file", DataSet::Kind::File},
                                   {"refile", DataSet::Kind::Patterns},
                                   {"db", DataSet::Kind::Database},
                                   {"dsn", std::nullopt},
                                   {"ldap", std::nullopt},
                                   {"ldaps", std::nullopt},
                                   {"ldapi", std::nullopt},
                                   {"lua", std::nullopt},
                                   {"memcache", std::nullopt}};

struct Place {
  DataSet::Kind kind = DataSet::Kind::List;
  std::string rest;
};

Result<Place> read_spec(const std::string& spec) {
  size_t colon = spec.find(':'), comma = spec.find(',');
  if (colon != std::string::npos && colon < comma) {
    std::string_view word = std::string_view(spec).substr(0, colon);
    for (const TypeName& type : kKindNames) {
      if (!iequals(type.name, word)) continue;
      if (!type.kind) {
        return fail(Fault::Config,
                    fmt::format("{}: data sets of type {} are not supported",
                                spec, type.name));
      }
      return Place{*type.kind, spec.substr(colon + 1)};
    }
    return fail(Fault::Config, spec + ": Unknown database type");
  }
  if (spec.ends_with(".db")) return Place{DataSet::Kind::Database, spec};
  if (spec.starts_with('/')) return Place{DataSet::Kind::File, spec};
  return Place{DataSet::Kind::List, spec};
}

/// What a line of a refile is as an extended regular expression.
std::string as_expression(std::string_view glob) {
  std::string out = "^";
  for (char c : glob) {
    if (c == '*') {
      out += ".*";
    } else if (c == '.' || c == '+') {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out + '$';
}

/// Most lines have no other special character than "*": no expression.
bool is_plain_glob(std::string_view glob) {
  return glob.find_first_of("[](){}?|^$\\") == std::string_view::npos;
}

struct Regex {
  regex_t compiled{};
  bool usable = false;
  Regex(const std::string& expression, int flags) {
    usable = regcomp(&compiled, expression.c_str(),
                     REG_EXTENDED | REG_NOSUB | flags) == 0;
  }
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;
  ~Regex() {
    if (usable) regfree(&compiled);
  }
};

}  // namespace

struct DataSet::Index {
  std::vector<Entry> entries;
  std::unordered_map<std::string, size_t> first;  // key as compared
  struct Pattern {
    std::string glob;  // as compared
    std::unique_ptr<Regex> expression;
  };
  std::vector<Pattern> patterns;  // one for each entry
};

struct DataSet::Database {
  explicit Database(DataSetDatabase opened) : db(std::move(opened)) {}
  DataSetDatabase db;
};

std::vector<DataSet::Entry> parse_list(std::string_view text) {
  std::vector<DataSet::Entry> out;
  for (std::string_view element : split_exact(text, ',')) {
    element = trim(element);
    if (element.empty()) continue;
    size_t equals = element.find('=');
    DataSet::Entry entry{std::string(trim(element.substr(0, equals))), ""};
    if (equals != std::string_view::npos) {
      entry.value = trim(element.substr(equals + 1));
    }
    out.push_back(std::move(entry));
  }
  return out;
}

std::vector<DataSet::Entry> parse_lines(std::string_view text) {
  std::vector<DataSet::Entry> out;
  for (std::string_view line : split_exact(text, '\n')) {
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    size_t end = 0;
    while (end < line.size() && !is_space(line[end])) ++end;
    out.push_back({std::string(line.substr(0, end)),
                   std::string(trim(line.substr(end)))});
  }
  return out;
}

DataSet DataSet::build(std::string spec, Kind kind, Case fold,
                       std::vector<Entry> entries) {
  DataSet out;
  out.kind_ = kind;
  out.case_ = fold;
  out.spec_ = std::move(spec);
  auto index = std::make_shared<Index>();
  index->entries = std::move(entries);
  auto compared = [&](const std::string& key) {
    return fold == Case::Fold ? lower(key) : key;
  };
  for (size_t i = 0; i < index->entries.size(); ++i) {
    const std::string& key = index->entries[i].key;
    if (kind != Kind::Patterns) {
      index->first.emplace(compared(key), i);
      continue;
    }
    Index::Pattern pattern{compared(key), nullptr};
    if (!is_plain_glob(key)) {
      pattern.expression = std::make_unique<Regex>(
          as_expression(key), fold == Case::Fold ? REG_ICASE : 0);
    }
    index->patterns.push_back(std::move(pattern));
  }
  out.index_ = std::move(index);
  return out;
}

DataSet DataSet::of(const std::vector<std::string>& keys, Case fold) {
  std::vector<Entry> entries;
  for (const auto& key : keys) entries.push_back({key, ""});
  return build("csl:" + join(keys, ","), Kind::List, fold, std::move(entries));
}

Result<DataSet> DataSet::open(const std::string& spec, Case fold) {
  Place place = TRY(read_spec(spec));
  if (place.kind == Kind::List) {
    return build(spec, place.kind, fold, parse_list(place.rest));
  }
  if (place.kind == Kind::Database) {
    auto opened = DataSetDatabase::open(place.rest);
    if (!opened) return fail(Fault::Config, spec + ": " + opened.error().what);
    DataSet out;
    out.kind_ = place.kind;
    out.spec_ = spec;
    out.database_ = std::make_shared<Database>(std::move(*opened));
    return out;
  }
  auto text = read_file(place.rest, kMaxFile);
  if (!text) {
    return fail(Fault::Config,
                fmt::format("{}: {}", spec,
                            text.error().sys ? strerror(text.error().sys)
                                             : text.error().what));
  }
  DataSet out = build(spec, place.kind, fold, parse_lines(*text));
  for (size_t i = 0; i < out.index_->patterns.size(); ++i) {
    const auto& expression = out.index_->patterns[i].expression;
    if (expression && !expression->usable) {
      return fail(Fault::Config, fmt::format("{}: bad pattern \"{}\"", spec,
                                             out.index_->entries[i].key));
    }
  }
  return out;
}

Result<std::vector<DataSet::Entry>> DataSet::find_all(
    std::string_view key) const {
  std::vector<Entry> out;
  if (database_) {
    auto value = TRY(database_->db.find(key));
    if (value) out.push_back({std::string(key), *value});
    return out;
  }
  std::string compared = case_ == Case::Fold ? lower(key) : std::string(key);
  if (kind_ != Kind::Patterns) {
    auto at = index_->first.find(compared);
    if (at != index_->first.end()) out.push_back(index_->entries[at->second]);
    return out;
  }
  for (size_t i = 0; i < index_->patterns.size(); ++i) {
    const auto& pattern = index_->patterns[i];
    bool match = pattern.expression
                     ? regexec(&pattern.expression->compiled, compared.c_str(),
                               0, nullptr, 0) == 0
                     : match_wildcard(pattern.glob, compared);
    if (match) out.push_back(index_->entries[i]);
  }
  return out;
}

Result<std::optional<std::string>> DataSet::find(std::string_view key) const {
  auto all = TRY(find_all(key));
  if (all.empty()) return std::optional<std::string>();
  return std::optional<std::string>(std::move(all.front().value));
}

bool DataSet::may_hold(char character) const {
  if (kind_ != Kind::List && kind_ != Kind::File) return true;
  for (const Entry& entry : index_->entries) {
    if (entry.key.find(character) != std::string::npos) return true;
  }
  return false;
}

bool DataSet::contains(std::string_view key) const {
  if (kind_ == Kind::List || kind_ == Kind::File) {
    return index_->first.contains(case_ == Case::Fold ? lower(key)
                                                      : std::string(key));
  }
  auto found = find(key);
  return found && found->has_value();
}

Result<std::vector<DataSet::Entry>> DataSet::entries() const {
  if (database_) {
    auto all = TRY(database_->db.entries());
    std::vector<Entry> out;
    for (auto& [key, value] : all) {
      out.push_back({std::move(key), std::move(value)});
    }
    return out;
  }
  return index_->entries;
}

Result<std::vector<std::string>> DataSet::keys() const {
  auto all = TRY(entries());
  std::vector<std::string> out;
  for (Entry& entry : all) out.push_back(std::move(entry.key));
  return out;
}

}  // namespace mail::maps
