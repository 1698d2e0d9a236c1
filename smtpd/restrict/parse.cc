#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/log/log.h"
#include "smtpd/restrict/dnsbl.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

bool is_table_name(std::string_view text) {
  return text.find(':') != text.npos && !text.starts_with('{');
}

std::string_view without_braces(std::string_view text) {
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return text;
  return trim(text.substr(1, text.size() - 2));
}

std::string_view access_name(Subject subject) {
  switch (subject) {
    case Subject::Client:
      return "check_client_access";
    case Subject::Helo:
      return "check_helo_access";
    case Subject::Sender:
      return "check_sender_access";
    case Subject::Etrn:
      return "check_etrn_access";
    default:
      return "check_recipient_access";
  }
}

class Parser {
 public:
  Parser(Site& site, Subject subject, Tables tables)
      : site_(site), subject_(subject), tables_(tables) {}

  Result<List> parse(std::string_view text) {
    List out;
    auto words = split_braced(text);
    bool warn = false;
    for (size_t i = 0; i < words.size(); ++i) {
      std::string_view word = words[i];
      if (iequals(word, "warn_if_reject")) {
        warn = true;
        continue;
      }
      // { name argument }: one restriction.
      auto inner = split_braced(without_braces(word));
      bool grouped = word.starts_with('{');
      if (grouped && inner.empty()) continue;
      std::string_view name = grouped ? inner[0] : word;
      std::string_view next;
      if (grouped) {
        if (inner.size() > 1) next = inner[1];
      } else if (i + 1 < words.size()) {
        next = words[i + 1];
      }
      bool used = false;
      Item item = TRY(make(name, next, used));
      if (used && !grouped) ++i;
      item.warn = warn;
      warn = false;
      out.push_back(std::move(item));
    }
    return out;
  }

 private:
  Result<Item> make(std::string_view name, std::string_view next, bool& used) {
    Item item;
    item.name = name;
    item.kind = find_kind(name);
    if (item.kind) {
      TRY(take_argument(item, next, used));
      return item;
    }
    if (is_table_name(name)) {
      item.kind = find_kind(access_name(subject_));
      TRY(set_table(item, name));
      return item;
    }
    TRY(set_class(item, name));
    return item;
  }

  Result<> take_argument(Item& item, std::string_view next, bool& used) {
    switch (item.kind->argument) {
      case Argument::None:
        return {};
      case Argument::Number: {
        auto number = parse_number<long>(next);
        used = number.has_value();
        item.number = number.value_or(0);
        if (!number) {
          item.complaints.push_back(fmt::format(
              "restriction {} must be followed by number", item.name));
        }
        return {};
      }
      case Argument::Table:
        used = !next.empty();
        return set_table(item,
                         next.empty() ? std::string_view(item.name) : next);
      case Argument::OptionalDomain:
        used = false;
        return {};
      case Argument::Domain:
        used = next.find('.') != next.npos;
        return set_domain(item, used ? next : "");
      case Argument::Policy:
        used = !next.empty();
        return set_policy(item, next);
    }
    return {};
  }

  // type:table, or { type:table, { name=value } }.
  Result<> set_table(Item& item, std::string_view text) {
    std::string_view bare = text;
    if (text.starts_with('{')) {
      auto parts = split_braced(without_braces(text));
      bare = parts.empty() ? "" : parts[0];
      for (size_t i = 1; i < parts.size(); ++i) {
        std::string_view attribute = without_braces(parts[i]);
        item.argument += attribute;
        if (attribute.find('=') != attribute.npos) continue;
        item.complaints.push_back(
            fmt::format("malformed map attribute in '{}': 'missing '=' after "
                        "attribute name'",
                        text));
        return {};
      }
    }
    if (bare.find(':') == bare.npos) {
      item.complaints.push_back(
          fmt::format("restriction {}: bad argument \"{}\": need "
                      "maptype:mapname",
                      item.name, bare));
      return {};
    }
    if (refused(item)) return {};
    item.table = TRY(site_.table(bare));
    return {};
  }

  Result<> set_domain(Item& item, std::string_view text) {
    if (text.empty()) {
      item.complaints.push_back(fmt::format(
          "restriction {} requires domain name argument", item.name));
      return {};
    }
    auto rule = parse_dnsbl(text);
    if (!rule) {
      item.complaints.push_back(rule.error().what);
      return {};
    }
    item.argument = rule->domain;
    item.filter = std::move(rule->filter);
    return {};
  }

  Result<> set_policy(Item& item, std::string_view text) {
    if (without_braces(text).find(':') == text.npos) {
      item.complaints.push_back(fmt::format(
          "restriction {} must be followed by transport:server", item.name));
      return {};
    }
    if (refused(item)) return {};
    auto& client = site_.policies[std::string(text)];
    if (!client) {
      auto options = TRY(PolicyClient::parse(text, site_.settings));
      client = std::make_unique<PolicyClient>(std::move(options));
    }
    item.policy = client.get();
    return {};
  }

  // Tables are opened before the jail: a table's entry cannot name others.
  // The empty complaint is told by who knows the table.
  bool refused(Item& item) {
    if (tables_ == Tables::Opened) return false;
    item.complaints.push_back({});
    return true;
  }

  Result<> set_class(Item& item, std::string_view name) {
    auto at = site_.classes.find(name);
    if (at != site_.classes.end()) {
      item.list = at->second.get();
    } else {
      item.complaints.push_back(
          fmt::format("unknown smtpd restriction: \"{}\"", name));
    }
    return {};
  }

  Site& site_;
  Subject subject_;
  Tables tables_;
};

}  // namespace

Result<> open_classes(Site& site) {
  auto names = split(site.settings.get(param::smtpd_restriction_classes));
  for (auto name : names) {
    site.classes[std::string(name)] = std::make_unique<List>();
  }
  for (auto name : names) {
    auto value = TRY(site.settings.value(name));
    *site.classes.find(name)->second = TRY(parse_list(
        site, value.value_or(""), Subject::Recipient, Tables::Opened));
  }
  return {};
}

Result<List> parse_list(Site& site, std::string_view text, Subject subject,
                        Tables tables) {
  return Parser(site, subject, tables).parse(text);
}

}  // namespace mail::smtpd::restriction
