#include "smtpd/policyd-spf/config.h"

#include <fmt/core.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::policyd_spf {

namespace {

constexpr std::string_view kSkipped = "127.0.0.0/8,::ffff:127.0.0.0/104,::1";

bool is_true(std::string_view value) {
  return iequals(value, "true") || iequals(value, "yes") || value == "1";
}

std::vector<std::string> words(std::string_view value) {
  std::vector<std::string> out;
  for (auto word : split(value, ", \t")) out.push_back(lower(word));
  return out;
}

/// Reads one value into its member.
class Reader {
 public:
  Reader(LoadedConfig& out, std::string_view file) : out_(out), file_(file) {}

  void set(std::string_view name, std::string_view value) {
    Config& c = out_.config;
    if (name == "debugLevel") return number(name, value, c.debug_level);
    if (name == "defaultSeedOnly") {  // without effect in Debian's too
      out_.lines.push_back(fmt::format(
          "WARNING: Deprecated Config Option {} in use in: {}", name, file_));
      return;
    }
    if (name == "TestOnly") {
      int test = 1;
      number(name, value, test);
      c.rejects = test != 0;
      return;
    }
    if (name == "Lookup_Time") return number(name, value, c.lookup_time);
    if (name == "Whitelist_Lookup_Time") {
      return number(name, value, c.whitelist_lookup_time);
    }
    if (name == "Void_Limit") return number(name, value, c.void_limit);
    if (name == "skip_addresses")
      return networks(name, value, c.skip_addresses);
    if (name == "Whitelist") return networks(name, value, c.whitelist);
    if (set_switch(name, value) || set_text(name, value) ||
        set_list(name, value)) {
      return;
    }
    if (name == "Per_User") return per_user(value);
    out_.lines.push_back(
        fmt::format("ERROR: Unknown name \"{}\" in file \"{}\"", name, file_));
  }

 private:
  /// "text,PATH".
  void per_user(std::string_view value) {
    size_t comma = value.find(',');
    if (comma != std::string_view::npos &&
        trim(value.substr(0, comma)) == "text") {
      out_.config.per_user = trim(value.substr(comma + 1));
      return;
    }
    out_.lines.push_back(fmt::format(
        "ERROR: Per_User = {} in file \"{}\" is not text,PATH", value, file_));
  }

  bool set_switch(std::string_view name, std::string_view value) {
    Config& c = out_.config;
    if (name == "PermError_reject") {
      c.perm_error_reject = is_true(value);
    } else if (name == "TempError_Defer") {
      c.temp_error_defer = is_true(value);
    } else if (name == "SPF_Enhanced_Status_Codes") {
      c.enhanced_status_codes = !iequals(value, "No");
    } else if (name == "Hide_Receiver") {
      c.hide_receiver = !iequals(value, "No");
    } else if (name == "No_Mail") {
      c.no_mail = is_true(value);
    } else if (name == "Mock") {
      c.mock = is_true(value);
    } else {
      return false;
    }
    return true;
  }

  bool set_text(std::string_view name, std::string_view value) {
    Config& c = out_.config;
    struct {
      std::string_view name;
      std::string& member;
    } texts[] = {
        {"HELO_reject", c.helo_reject},
        {"Mail_From_reject", c.mail_from_reject},
        {"Header_Type", c.header_type},
        {"Authserv_Id", c.authserv_id},
        {"Reason_Message", c.reason_message},
        {"Mail_From_pass_restriction", c.mail_from_pass_restriction},
        {"HELO_pass_restriction", c.helo_pass_restriction},
        {"Prospective", c.prospective},
    };
    for (auto& text : texts) {
      if (text.name != name) continue;
      text.member = value;
      if (name == "Authserv_Id" && value == "HOSTNAME") text.member.clear();
      return true;
    }
    return false;
  }

  bool set_list(std::string_view name, std::string_view value) {
    Config& c = out_.config;
    struct {
      std::string_view name;
      std::vector<std::string>& member;
    } lists[] = {
        {"Domain_Whitelist", c.domain_whitelist},
        {"HELO_Whitelist", c.helo_whitelist},
        {"Domain_Whitelist_PTR", c.domain_whitelist_ptr},
        {"Reject_Not_Pass_Domains", c.reject_not_pass_domains},
    };
    for (auto& list : lists) {
      if (list.name != name) continue;
      list.member = words(value);
      return true;
    }
    return false;
  }

  void number(std::string_view name, std::string_view value, int& member) {
    auto parsed = parse_number<int>(value);
    if (parsed) {
      member = *parsed;
      return;
    }
    out_.lines.push_back(fmt::format(
        "ERROR: {} = {} in file \"{}\" is not a number", name, value, file_));
  }

  void networks(std::string_view name, std::string_view value, Networks& out) {
    out.clear();
    for (auto word : split(value, ", \t")) {
      size_t slash = word.find('/');
      auto address = spf::Address::parse(word.substr(0, slash));
      int bits = address ? address->bits() : 0;
      if (address && slash != std::string_view::npos) {
        int prefix = parse_number<int>(word.substr(slash + 1)).value_or(-1);
        // ::ffff:127.0.0.0/104 is 127.0.0.0/8.
        bool mapped = !address->v6 && word.find(':') != std::string_view::npos;
        if (mapped) prefix -= 96;
        if (prefix < 0 || prefix > bits) address.reset();
        bits = prefix;
      }
      if (!address) {
        out_.lines.push_back(
            fmt::format("ERROR: {} in {} not IP network.", word, name));
        continue;
      }
      out.emplace_back(*address, bits);
    }
  }

  LoadedConfig& out_;
  std::string_view file_;
};

}  // namespace

LoadedConfig parse_config(std::string_view text, std::string_view name) {
  LoadedConfig out;
  Reader reader(out, name);
  reader.set("skip_addresses", kSkipped);
  for (auto line : split_exact(text, '\n')) {
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    size_t equal = line.find('=');
    if (equal == std::string_view::npos) {
      out.lines.push_back(fmt::format(
          "ERROR parsing line \"{}\" from file \"{}\"", line, name));
      continue;
    }
    reader.set(trim(line.substr(0, equal)), trim(line.substr(equal + 1)));
  }
  return out;
}

LoadedUsers parse_users(std::string_view text, std::string_view name,
                        const Config& base) {
  constexpr std::string_view kForAll[] = {
      "Lookup_Time", "Header_Type", "Hide_Receiver", "Authserv_Id",
      "Prospective", "debugLevel",  "Mock",          "Per_User"};
  LoadedUsers out;
  for (auto line : split_exact(text, '\n')) {
    line = trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    size_t comma = line.find(',');
    if (comma == std::string_view::npos) {
      out.lines.push_back(fmt::format(
          "ERROR parsing line \"{}\" from file \"{}\"", line, name));
      continue;
    }
    LoadedConfig user{base, {}};
    Reader reader(user, name);
    for (auto word : split(line.substr(comma + 1), "|")) {
      size_t equal = std::min(word.find('='), word.size());
      auto option = trim(word.substr(0, equal));
      if (std::find(std::begin(kForAll), std::end(kForAll), option) !=
          std::end(kForAll)) {
        user.lines.push_back(
            fmt::format("ERROR: {} in file \"{}\" cannot be set for one user",
                        option, name));
        continue;
      }
      reader.set(option, trim(word.substr(std::min(equal + 1, word.size()))));
    }
    out.lines.insert(out.lines.end(), user.lines.begin(), user.lines.end());
    out.users.insert_or_assign(lower(trim(line.substr(0, comma))),
                               std::move(user.config));
  }
  return out;
}

}  // namespace mail::policyd_spf
