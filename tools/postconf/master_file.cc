#include "tools/postconf/master_file.h"

#include <fmt/core.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::postconf {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";
// The columns of the eight fields.
constexpr size_t kColumns[] = {0, 11, 17, 25, 33, 41, 49, 57};

bool is_count(std::string_view text) {
  for (char c : text) {
    if (!is_digit(c)) return false;
  }
  return true;
}

/// "-vo" "a=b" and "-oa=b" become "-v" "-o" "a=b".
std::vector<std::string> normalised(const std::vector<std::string>& args) {
  std::vector<std::string> result;
  size_t i = 0;
  for (; i < args.size(); ++i) {
    std::string_view arg = args[i];
    if (arg.size() < 2 || arg.front() != '-' || arg == "--") break;
    size_t o = arg.find('o', 1);
    if (o == arg.npos) {
      result.emplace_back(arg);
      continue;
    }
    if (o > 1) result.emplace_back(arg.substr(0, o));
    result.emplace_back("-o");
    std::string value(arg.substr(o + 1));
    if (value.empty()) {
      if (++i == args.size()) break;
      value = args[i];
    }
    if (auto pair = config::parse_override(value)) {
      value = pair->first + "=" + pair->second;
    }
    result.push_back(std::move(value));
  }
  for (; i < args.size(); ++i) result.push_back(args[i]);
  return result;
}

}  // namespace

std::vector<config::NameValue> MasterEntry::overrides() const {
  std::vector<config::NameValue> result;
  for (size_t i = 0; i + 1 < fields.args.size(); ++i) {
    const std::string& arg = fields.args[i];
    if (arg.size() < 2 || arg.front() != '-') break;
    if (arg != "-o") continue;
    if (auto pair = config::parse_override(fields.args[++i])) {
      std::erase_if(result,
                    [&](auto& old) { return old.first == pair->first; });
      result.push_back(std::move(*pair));
    }
  }
  return result;
}

void MasterEntry::set_override(const config::NameValue& pair) {
  std::string text = pair.first + "=" + pair.second;
  size_t i = 0;
  bool found = false;
  for (; i < fields.args.size(); ++i) {
    const std::string& arg = fields.args[i];
    if (arg.size() < 2 || arg.front() != '-') break;
    if (arg != "-o" || i + 1 == fields.args.size()) continue;
    auto old = config::parse_override(fields.args[++i]);
    if (old && old->first == pair.first) {
      fields.args[i] = text;
      found = true;
    }
  }
  if (found) return;
  auto at = fields.args.begin() + static_cast<long>(i);
  at = fields.args.insert(at, text);
  fields.args.insert(at, "-o");
}

void MasterEntry::remove_override(std::string_view name) {
  for (size_t i = 0; i + 1 < fields.args.size();) {
    const std::string& arg = fields.args[i];
    if (arg.size() < 2 || arg.front() != '-') break;
    if (arg != "-o") {
      ++i;
      continue;
    }
    auto old = config::parse_override(fields.args[i + 1]);
    auto at = fields.args.begin() + static_cast<long>(i);
    if (old && old->first == name) {
      fields.args.erase(at, at + 2);
    } else {
      i += 2;
    }
  }
}

Result<> check_field(int field, std::string_view value, std::string_view text) {
  using Fields = config::MasterFields;
  bool good = true;
  if (field == Fields::Type) {
    good = value == "inet" || value == "unix" || value == "unix-dgram" ||
           value == "fifo" || value == "pass";
  } else if (field >= Fields::Private && field <= Fields::Chroot) {
    good = value == "-" || value == "y" || value == "n";
  } else if (field == Fields::Wakeup && value != "-") {
    good = is_count(value.ends_with('?') ? value.substr(0, value.size() - 1)
                                         : value);
  } else if (field == Fields::ProcessLimit) {
    good = value == "-" || is_count(value);
  }
  if (good) return {};
  return fail(Fault::Config, fmt::format("invalid {} field \"{}\" in \"{}\"",
                                         kFieldNames[field], value, text));
}

Result<MasterEntry> parse_entry(std::string_view line,
                                const config::WarningSink& warn) {
  MasterEntry entry;
  std::string_view rest = line;
  for (int i = 0; i < config::MasterFields::kFields; ++i) {
    size_t start = rest.find_first_not_of(kBlanks);
    if (start == rest.npos) return fail(Fault::Config, "bad field count");
    size_t end = std::min(rest.find_first_of(kBlanks, start), rest.size());
    entry.fields.fields[i] = rest.substr(start, end - start);
    rest.remove_prefix(end);
    TRY(check_field(i, entry.fields.fields[i], line));
  }
  auto sink = warn ? warn : [](std::string_view) {};
  entry.fields.args = normalised(TRY(config::parse_master_args(rest, sink)));
  return entry;
}

std::string quoted(std::string_view arg) {
  if (arg.find_first_of(kBlanks) == arg.npos) return std::string(arg);
  return fmt::format("{{{}}}", arg);
}

std::string command_text(const MasterEntry& entry) {
  std::string out = entry.fields.fields[config::MasterFields::Command];
  for (const std::string& arg : entry.fields.args) out += ' ' + quoted(arg);
  return out;
}

std::string entry_text(const MasterEntry& entry, bool folded,
                       const ExpandValue& expand) {
  constexpr size_t kWidth = 80;
  constexpr std::string_view kNewLine = "\n    ";
  std::string out;
  for (size_t i = 0; i < std::size(kColumns); ++i) {
    if (i > 0) out += ' ';
    if (out.size() < kColumns[i]) out.append(kColumns[i] - out.size(), ' ');
    out += entry.fields.fields[i];
  }
  size_t column = out.size();
  bool options = true, after_override = false;
  const auto& args = entry.fields.args;
  for (size_t i = 0; i < args.size(); ++i) {
    std::string arg = args[i];
    options = options && arg.size() > 1 && arg.front() == '-';
    bool is_override = options && arg == "-o" && i + 1 < args.size();
    if (is_override) {
      std::string value = args[++i];
      size_t equals = value.find('=');
      if (expand && equals != value.npos) {
        value = value.substr(0, equals + 1) +
                expand(std::string_view(value).substr(equals + 1));
      }
      arg += ' ' + quoted(value);
    } else {
      arg = quoted(arg);
    }
    bool full = column + 1 + arg.size() >= kWidth;
    if (folded && (is_override || after_override || full)) {
      out += kNewLine;
      column = 4;
    } else {
      out += ' ';
      ++column;
    }
    after_override = is_override;
    out += arg;
    column += arg.size();
  }
  return out;
}

bool Pattern::matches(const MasterEntry& entry) const {
  return (service == "*" || service == entry.name()) &&
         (type == "*" || type == entry.type());
}

}  // namespace mail::postconf
