#include "common/config/dovecot/parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/config/dovecot/flat_key.h"
#include "common/config/dovecot/value.h"

namespace mail::config::dovecot {

namespace {

constexpr size_t kDeepestInclude = 64, kDeepestSection = 64;

std::string directory_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string absolute(const std::string& path, const std::string& file) {
  if (path.starts_with("/")) return path;
  return directory_of(file) + "/" + path;
}

}  // namespace

void Parser::error(std::string text, std::string hint) {
  Problem problem;
  if (at_.file >= 0) problem.file = out_.files[static_cast<size_t>(at_.file)];
  problem.line = at_.line;
  problem.text = std::move(text);
  problem.hint = std::move(hint);
  out_.problems.push_back(std::move(problem));
}

void Parser::run(const std::string& path) {
  Open root{Open::Kind::File, "", "", &kSections[kRoot], 0, {}};
  stack_.push_back(root);
  auto text = reader_.read(path);
  if (!text) {
    Problem problem;
    problem.kind = Problem::Kind::Error;
    problem.text = fmt::format("open({}) failed: {}", path, text.error().what);
    out_.problems.push_back(std::move(problem));
    return;
  }
  out_.files.push_back(path);
  files_.push_back(0);
  at_.file = 0;
  read_text(*text);
  files_.pop_back();
  if (stack_.size() > 1) {
    const Open& open = stack_.back();
    Problem problem;
    problem.file = path;
    problem.text = fmt::format("Missing '}}' (section started at {}:{})",
                               out_.files[static_cast<size_t>(open.at.file)],
                               open.at.line);
    out_.problems.push_back(std::move(problem));
  }
}

void Parser::read_text(std::string_view text) {
  StatementReader statements(text);
  while (auto statement = statements.next()) {
    at_.line = statements.line();
    if (statement->ambiguous_hash) {
      Problem problem;
      problem.kind = Problem::Kind::Warning;
      problem.text = fmt::format(
          "Configuration file {} line {}: Ambiguous '#' character in line, "
          "treating it as comment. Add a space before it to remove this "
          "warning.",
          out_.files[static_cast<size_t>(at_.file)], at_.line);
      out_.problems.push_back(std::move(problem));
    }
    take(*statement);
  }
}

void Parser::take(Statement& statement) {
  if (stack_.back().kind == Open::Kind::Unknown) {
    // What is wrong has been said at its first line.
    if (statement.kind == Statement::Kind::Begin) {
      stack_.push_back(stack_.back());
    } else if (statement.kind == Statement::Kind::End) {
      stack_.pop_back();
    }
    return;
  }
  switch (statement.kind) {
    case Statement::Kind::Bad:
      return error(statement.error);
    case Statement::Kind::End:
      return end();
    case Statement::Kind::Begin:
      return begin(statement);
    case Statement::Kind::Include:
    case Statement::Kind::IncludeTry:
      return include(statement);
    case Statement::Kind::Setting:
      return set(statement);
  }
}

// ------------------------------------------------------------ includes

void Parser::include(const Statement& statement) {
  bool must = statement.kind == Statement::Kind::Include;
  std::string pattern =
      absolute(statement.value, out_.files[static_cast<size_t>(files_.back())]);
  auto paths = reader_.glob(pattern);
  if (paths.empty()) {
    if (must) error("No matches", "looked for " + pattern);
    return;
  }
  for (const auto& path : paths) {
    bool open = std::any_of(files_.begin(), files_.end(), [&](int file) {
      return out_.files[static_cast<size_t>(file)] == path;
    });
    if (open || files_.size() >= kDeepestInclude) {
      error("Recursive include file: " + path);
      continue;
    }
    auto text = reader_.read(path);
    if (!text) {
      if (must) {
        error(fmt::format("Couldn't open include file {}: {}", path,
                          text.error().what));
      }
      continue;
    }
    Origin before = at_;
    at_.file = static_cast<int>(out_.files.size());
    out_.files.push_back(path);
    files_.push_back(at_.file);
    read_text(*text);
    files_.pop_back();
    at_ = before;
  }
}

// ------------------------------------------------------------ sections

void Parser::end() {
  if (stack_.size() == 1) return error("Unexpected '}'");
  stack_.pop_back();
}

void Parser::begin(const Statement& statement) {
  const Open& here = stack_.back();
  size_t depth = stack_.size();
  if (depth >= kDeepestSection) {
    error("Section not allowed here");
  } else if (statement.key == "protocol" || statement.key == "local" ||
             statement.key == "remote" || statement.key == "local_name") {
    begin_filter(statement);
  } else if (here.kind == Open::Kind::Strings) {
    error("Section not allowed here");
  } else {
    begin_section(statement);
  }
  if (stack_.size() == depth) {  // refused: skip to its end
    Open skipped{Open::Kind::Unknown, "", "", nullptr, here.layer, at_};
    stack_.push_back(skipped);
  }
}

void Parser::begin_section(const Statement& statement) {
  const Open& here = stack_.back();
  std::string word = statement.key;
  int id = here.section->find(word);
  bool strings = id >= 0 && here.section->settings[id].type == Type::Strings;
  int list = id >= 0 ? here.section->list_of(id) : -1;
  if (!strings && list < 0) {
    return unknown(fmt::format("{} {{ {}", word, word));
  }
  std::string key = here.path.empty() ? word : here.path + "/" + word;
  if (!allowed_in_filter(key)) return;
  Open open{strings ? Open::Kind::Strings : Open::Kind::Section,
            word,
            key,
            here.section,
            here.layer,
            at_};
  if (strings) {
    out_.layers[here.layer].put(key).at = at_;
  } else {
    const SectionInfo& info = kSections[here.section->lists[list]];
    std::string name = renamed_section(*this, word, statement.name);
    Layer& layer = out_.layers[here.layer];
    Entry& names = layer.put(key);
    std::string id_text = escape_name(name);
    if (name.empty()) {
      id_text = fmt::format("{}", split(names.text, " ").size());
    }
    std::string longer = with_name(names.text, id_text);
    bool known = longer == names.text && !names.text.empty();
    if (known && info.unnamed()) {
      return error(fmt::format("{}/{} already exists", word, name));
    }
    names.text = longer;
    names.at = at_;
    open.path = key + "/" + id_text;
    open.section = &info;
    Entry& named =
        layer.put(fmt::format("{}/{}", open.path, info.settings[0].name));
    named.text = name;
    named.at = at_;
    named.is_name = true;
  }
  stack_.push_back(open);
}

// ------------------------------------------------------------ filters

bool Parser::filter_order_is_right(std::string_view word) {
  // Outer to inner: local, local_name, remote, protocol.
  auto rank = [](std::string_view w) {
    return w == "local" ? 0 : w == "local_name" ? 1 : w == "remote" ? 2 : 3;
  };
  for (const auto& open : stack_) {
    if (open.kind != Open::Kind::Filter) continue;
    if (open.word == word) {
      if (word != "protocol" && word != "local_name") continue;
      error(fmt::format("Nested {} {{ {} {{ .. }} }} block not allowed", word,
                        word));
      return false;
    }
    if (rank(open.word) > rank(word)) {
      error(
          fmt::format("{} {{ {} {{ .. }} }} not allowed (use {} {{ {} {{ .. }} "
                      "}} instead)",
                      open.word, word, word, open.word));
      return false;
    }
  }
  return true;
}

bool Parser::network_filter(const Statement& statement, Filter& filter) {
  Network network = Network::parse(statement.name);
  if (network.bytes.empty()) {
    bool host = statement.name.find('/') == std::string::npos;
    auto found =
        host ? reader_.resolve(statement.name) : std::vector<std::string>{};
    if (found.empty()) {
      error(host ? fmt::format("gethostbyname({}) failed", statement.name)
                 : fmt::format("Invalid network mask: {}", statement.name),
            "allowed: an IP address, IP/bits, or a host name");
      return false;
    }
    network = Network::parse(found.front());
  }
  Network& target = statement.key == "local" ? filter.local : filter.remote;
  if (!target.bytes.empty() && !target.contains(network)) {
    error(fmt::format("{} net is not inside parent net", statement.key));
    return false;
  }
  target = network;
  return true;
}

void Parser::begin_filter(const Statement& statement) {
  const Open& here = stack_.back();
  if (here.kind != Open::Kind::File && here.kind != Open::Kind::Filter) {
    return error(fmt::format("{} {{ .. }} block not allowed within section",
                             statement.key));
  }
  if (!filter_order_is_right(statement.key)) return;
  Filter filter = out_.layers[here.layer].filter;
  if (statement.key == "protocol") {
    filter.service = renamed_section(*this, "protocol", statement.name);
  } else if (statement.key == "local_name") {
    filter.local_name = statement.name;
  } else if (!network_filter(statement, filter)) {
    return;
  }
  Open open{Open::Kind::Filter,
            statement.key,
            "",
            &kSections[kRoot],
            layer_of(filter, here.layer),
            at_};
  stack_.push_back(open);
}

size_t Parser::layer_of(const Filter& filter, size_t parent) {
  for (size_t i = 1; i < out_.layers.size(); ++i) {
    if (out_.layers[i].filter == filter) return i;
  }
  out_.layers.emplace_back();
  out_.layers.back().filter = filter;
  out_.layers.back().parent = static_cast<int>(parent);
  out_.layers.back().at = at_;
  return out_.layers.size() - 1;
}

bool Parser::allowed_in_filter(std::string_view key) {
  const Filter& filter = out_.layers[stack_.back().layer].filter;
  if (filter.local.bytes.empty() && filter.remote.bytes.empty()) return true;
  std::string_view top = key.substr(0, key.find('/'));
  if (!top.starts_with("auth_") && top != "passdb" && top != "userdb") {
    return true;
  }
  error(fmt::format(
      "Auth settings not supported inside local/remote blocks: {}", key));
  return false;
}

// ------------------------------------------------------------ settings

std::string Parser::open_words() const {
  std::string words;
  for (const auto& open : stack_) {
    if (open.kind == Open::Kind::Section) words += open.word + " { ";
  }
  return words;
}

void Parser::unknown(std::string_view key) {
  std::string word(key.substr(0, key.find(' ')));
  std::string similar = similar_setting(*stack_.back().section, word);
  error(fmt::format("Unknown setting: {}{}", open_words(), key),
        similar.empty() ? "" : "did you mean " + similar + "?");
}

void Parser::set(const Statement& statement) {
  if (read_obsolete(*this, statement)) return;
  if (stack_.back().kind == Open::Kind::Strings) return set_string(statement);
  set_here(statement.key, statement);
}

void Parser::set_here(std::string_view key, const Statement& statement) {
  const Open& here = stack_.back();
  int id = here.section->find(key);
  if (id < 0 && here.section->name == "root" && key == "mail") {
    key = "mail_location";
    id = here.section->find(key);
  }
  if (id < 0 && here.section->name == "namespace" &&
      (key == "mail" || key == "mail_location")) {
    key = "location";
    id = here.section->find(key);
  }
  if (id < 0) return unknown(key);
  const SettingInfo& info = here.section->settings[id];
  if (info.type == Type::List || info.type == Type::Strings) {
    return error(fmt::format("Unknown setting: {}{}", open_words(), key),
                 fmt::format("{} is a section: {} {{", key, key));
  }
  std::string flat = here.path.empty() ? std::string(key)
                                       : fmt::format("{}/{}", here.path, key);
  if (!allowed_in_filter(flat)) return;
  store(flat, &info, statement);
}

void Parser::set_string(const Statement& statement) {
  store(fmt::format("{}/{}", stack_.back().path, escape_name(statement.key)),
        nullptr, statement);
}

void Parser::store(const std::string& key, const SettingInfo* info,
                   const Statement& statement) {
  size_t layer = stack_.back().layer;
  if (layer == 0 && info && stack_.size() == 1) warn_of_earlier_filter(key);
  std::string text = statement.value;
  bool file = statement.value_kind == Statement::ValueKind::File;
  bool variable = statement.value_kind == Statement::ValueKind::Variable;
  if (file) {
    text = absolute(text, out_.files[static_cast<size_t>(at_.file)]);
  } else if (variable) {
    text = expand(key, text);
    variable = text.find('$') != std::string::npos;
  }
  if (info && !file && !(variable && expand_ == Expand::No)) {
    auto value = read_value(*info, text);
    if (!value) {
      std::string allowed = allowed_values(*info);
      return error(
          value.error().what,
          allowed.empty() ? "" : fmt::format("{}: {}", info->name, allowed));
    }
    text = std::move(value->text);
  }
  Entry& entry = out_.layers[layer].put(key);
  entry.text = std::move(text);
  entry.is_file = file;
  entry.is_name = false;
  entry.at = at_;
}

void Parser::warn_of_earlier_filter(const std::string& key) {
  for (size_t i = 1; i < out_.layers.size(); ++i) {
    const Entry* earlier = out_.layers[i].find(key);
    if (!earlier || earlier->is_name) continue;
    std::string place = fmt::format(
        "{} line {}", out_.files[static_cast<size_t>(earlier->at.file)],
        earlier->at.line);
    Problem problem;
    problem.kind = Problem::Kind::Warning;
    problem.text = fmt::format(
        "{} line {}: Global setting {} won't change the setting inside an "
        "earlier filter at {} (if this is intentional, avoid this warning by "
        "moving the global setting before {})",
        out_.files[static_cast<size_t>(at_.file)], at_.line, key, place, place);
    out_.problems.push_back(std::move(problem));
    return;
  }
}

// ------------------------------------------------------------ $name

std::optional<std::string> Parser::variable(std::string_view name) {
  if (name.starts_with("ENV:")) {
    return reader_.environment(std::string(name.substr(4)));
  }
  int id = kSections[kRoot].find(name);
  if (id < 0) return std::nullopt;
  std::string key(name);
  for (int layer = static_cast<int>(stack_.back().layer); layer >= 0;
       layer = out_.layers[static_cast<size_t>(layer)].parent) {
    const Entry* entry = out_.layers[static_cast<size_t>(layer)].find(key);
    if (!entry) continue;
    if (!entry->is_file) return entry->text;
    auto text = reader_.read(entry->text);
    return text ? *text : std::string();
  }
  const char* text = kSections[kRoot].settings[id].default_text;
  return std::string(text ? text : "");
}

std::string Parser::expand(const std::string& key, const std::string& text) {
  std::string out;
  bool first = true;
  for (auto word : split(text, " \t")) {
    if (!first) out += ' ';
    first = false;
    bool self = word.size() == key.size() + 1 && word.substr(1) == key;
    if (!word.starts_with("$") || (expand_ == Expand::No && !self)) {
      out += word;
      continue;
    }
    auto value = variable(word.substr(1));
    if (!value) {
      error(fmt::format("Unknown variable: {}", word));
      continue;
    }
    out += *value;
  }
  return out;
}

// ------------------------------------------------------------ old settings

void Parser::warn_obsolete(std::string text) {
  Problem problem;
  problem.kind = Problem::Kind::Warning;
  problem.obsolete = true;
  problem.text =
      fmt::format("Obsolete setting in {}:{}: {}",
                  out_.files[static_cast<size_t>(at_.file)], at_.line, text);
  out_.problems.push_back(std::move(problem));
}

void Parser::warn(std::string text) {
  Problem problem;
  problem.kind = Problem::Kind::Warning;
  problem.text = std::move(text);
  out_.problems.push_back(std::move(problem));
}

void Parser::put_here(const std::string& key, std::string_view value) {
  Entry& entry = out_.layers[stack_.back().layer].put(key);
  entry.text = value;
  entry.is_file = entry.is_name = false;
  entry.at = at_;
}

void Parser::set_global(const std::string& key, std::string_view value) {
  Entry& entry = out_.layers[0].put(key);
  entry.text = value;
  entry.is_file = false;
  entry.at = at_;
}

std::string Parser::ensure_member(const std::string& list_key,
                                  std::string_view name) {
  Entry& names = out_.layers[0].put(list_key);
  std::string id = escape_name(name);
  names.text = with_name(names.text, id);
  names.at = at_;
  std::string path = fmt::format("{}/{}", list_key, id);
  auto place = find_place(list_key);
  const auto& info =
      kSections[place->section->lists[place->section->list_of(place->id)]];
  Entry& named =
      out_.layers[0].put(fmt::format("{}/{}", path, info.settings[0].name));
  named.text = name;
  named.is_name = true;
  named.at = at_;
  return path;
}

}  // namespace mail::config::dovecot
