#include "tools/doveconf/human.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/base/ascii.h"
#include "common/config/dovecot/flat_key.h"

namespace mail::doveconf {

namespace cf = config::dovecot;

namespace {

/// A section that a key stands in: "service" named "imap-login".
struct Level {
  std::string path, word, name;
  friend bool operator==(const Level& a, const Level& b) {
    return a.path == b.path;
  }
};

class Printer {
 public:
  Printer(int indent, const cf::Merged& names)
      : indent_(indent), names_(names) {}

  void print(const Item& item) {
    std::string leaf;
    auto wanted = levels_of(item.key, leaf);
    size_t common = 0;
    while (common < open_.size() && common < wanted.size() &&
           open_[common] == wanted[common]) {
      ++common;
    }
    close_to(common);
    for (size_t i = common; i < wanted.size(); ++i) {
      line(wanted[i].name.empty() ? fmt::format("{} {{", wanted[i].word)
                                  : fmt::format("{} {} {{", wanted[i].word,
                                                quoted_name(wanted[i].name)));
      open_.push_back(wanted[i]);
    }
    line(fmt::format("{} = {}", leaf, shown(item)));
  }

  std::string take() {
    close_to(0);
    return std::move(out_);
  }

 private:
  static std::string quoted_name(const std::string& name) {
    if (name.find(' ') == std::string::npos) return name;
    return fmt::format("\"{}\"", name);
  }

  void line(std::string_view text) {
    out_.append(2 * (static_cast<size_t>(indent_) + open_.size()), ' ');
    out_ += text;
    out_ += '\n';
  }

  void close_to(size_t depth) {
    while (open_.size() > depth) {
      open_.pop_back();
      line("}");
    }
  }

  /// The sections of a key, from outside; leaf: what is left of it.
  std::vector<Level> levels_of(const std::string& key, std::string& leaf) {
    std::vector<Level> out;
    const cf::SectionInfo* section = &cf::kSections[cf::kRoot];
    auto parts = cf::split_key(key);
    std::string path;
    size_t i = 0;
    while (section && i + 1 < parts.size()) {
      int id = section->find(parts[i]);
      if (id < 0) break;
      int list = section->list_of(id);
      path += fmt::format("{}{}", path.empty() ? "" : "/", parts[i]);
      if (list < 0) {  // plugin { }
        out.push_back({path, std::string(parts[i]), ""});
        ++i;
        break;
      }
      path += fmt::format("/{}", parts[i + 1]);
      const auto& member = cf::kSections[section->lists[list]];
      std::string name;
      if (!member.unnamed()) {
        const auto* entry =
            names_.find(fmt::format("{}/{}", path, member.settings[0].name));
        name = entry ? entry->text : cf::unescape_name(parts[i + 1]);
      }
      out.push_back({path, std::string(parts[i]), name});
      section = &member;
      i += 2;
    }
    leaf.clear();
    for (; i < parts.size(); ++i) {
      if (!leaf.empty()) leaf += '/';
      leaf += cf::unescape_name(parts[i]);
    }
    return out;
  }

  int indent_;
  const cf::Merged& names_;
  std::vector<Level> open_;
  std::string out_;
};

/// A namespace is shown with these two, even empty ones.
void complete_namespaces(std::vector<Item>& items) {
  std::set<std::string> paths, keys;
  for (const auto& item : items) {
    auto parts = cf::split_key(item.key);
    keys.insert(item.key);
    if (parts.size() >= 3 && parts[0] == "namespace") {
      paths.insert(fmt::format("namespace/{}", parts[1]));
    }
  }
  for (const auto& path : paths) {
    for (const char* name : {"location", "prefix"}) {
      std::string key = fmt::format("{}/{}", path, name);
      if (!keys.contains(key)) items.push_back({key, "", false, false, false});
    }
  }
}

}  // namespace

std::string shown(const Item& item) {
  if (item.is_file) {
    // Of a secret only that there is one.
    return item.text.starts_with("#") ? item.text : "<" + item.text;
  }
  const std::string& text = item.text;
  bool hidden = text.starts_with("# hidden");
  bool quote = !hidden && !text.empty() &&
               (is_space(text[0]) || is_space(text.back()) ||
                text.find('#') != std::string::npos);
  // What a password was replaced by is no comment.
  if (quote && !is_space(text[0]) && !is_space(text.back())) {
    quote = false;
    for (size_t at = text.find('#'); at != std::string::npos;
         at = text.find('#', at + 1)) {
      constexpr std::string_view kPart = "#hidden_use-P_to_show#";
      if (text.compare(at, kPart.size(), kPart) != 0) {
        quote = true;
        break;
      }
      at += kPart.size() - 1;
    }
  }
  if (!quote || text.find('\n') != std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string human(std::vector<Item> items, int indent,
                  const cf::Merged& names) {
  std::erase_if(items, [](const Item& item) {
    if (item.is_list) return true;
    bool unnamed =
        item.key.starts_with("passdb/") || item.key.starts_with("userdb/");
    if (unnamed) return false;
    auto setting = cf::find_setting(item.key);
    auto place = cf::find_place(item.key);
    return item.is_name || (setting && place && place->id == 0 &&
                            place->section->name != "root");
  });
  complete_namespaces(items);
  std::sort(items.begin(), items.end(),
            [](const Item& a, const Item& b) { return a.key < b.key; });
  Printer printer(indent, names);
  for (const auto& item : items) printer.print(item);
  return printer.take();
}

std::string filter_open(const cf::Filter& filter, int& depth) {
  std::string out;
  depth = 0;
  auto open = [&](std::string_view word, const std::string& name) {
    out.append(2 * static_cast<size_t>(depth), ' ');
    out += fmt::format("{} {} {{\n", word, name);
    ++depth;
  };
  if (!filter.local.bytes.empty()) open("local", filter.local.text());
  if (!filter.local_name.empty()) open("local_name", filter.local_name);
  if (!filter.remote.bytes.empty()) open("remote", filter.remote.text());
  if (!filter.service.empty()) open("protocol", filter.service);
  return out;
}

}  // namespace mail::doveconf
