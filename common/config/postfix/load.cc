#include "common/config/postfix/load.h"

#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/config/postfix/accounts.h"
#include "common/config/postfix/compatibility.h"
#include "common/config/postfix/evaluate.h"
#include "common/config/postfix/expand.h"
#include "common/config/postfix/main_cf.h"
#include "common/config/postfix/networks.h"
#include "common/config/postfix/param_info.h"

namespace mail::config {

/// Fills one Settings. A parameter may be asked for (by another's $name)
/// before its turn; then its text is expanded in place.
class Loader {
 public:
  explicit Loader(const LoadArgs& args)
      : args_(args), settings_(std::make_shared<Settings>()) {
    settings_->strings_.resize(param::kCount);
    settings_->numbers_.resize(param::kCount);
    done_.resize(param::kCount);
    lookup_ = [this](std::string_view name) { return text_of(name); };
  }
  Result<SettingsPtr> load();

 private:
  void warn(std::string_view text) {
    if (args_.warn) args_.warn(text);
  }
  Result<> read_definitions();
  Result<> find_host_names();
  Result<> find_origin();
  Result<> evaluate_param(int id);
  Result<> check_relations();
  Failure bad_value(std::string_view name, std::string_view value);
  Result<std::string> expand_text(std::string_view text);
  std::optional<std::string> text_of(std::string_view name);
  std::string networks();
  void set(param::String p, std::string value) {
    settings_->strings_[p.id] = std::move(value);
    done_[p.id] = true;
  }
  const Definition* definition(std::string_view name) const {
    auto at = settings_->definitions_.find(name);
    return at == settings_->definitions_.end() ? nullptr : &at->second;
  }

  const LoadArgs& args_;
  std::shared_ptr<Settings> settings_;
  std::vector<bool> done_;
  Lookup lookup_;
  std::optional<Error> networks_error_;
  bool finding_networks_ = false;
};

Result<> Loader::read_definitions() {
  settings_->main_cf_ = args_.config_directory + "/main.cf";
  std::string text = TRY(args_.read(settings_->main_cf_));
  auto& definitions = settings_->definitions_;
  definitions = TRY(parse_main_cf(text, settings_->main_cf_, args_.warn));
  for (const auto& [name, value] : args_.overrides) {
    definitions[name] = {value, 0};
  }
  definitions["config_directory"] = {args_.config_directory, 0};
  set(param::process_name, args_.process_name);
  set(param::service_name,
      args_.service_name.empty() ? args_.process_name : args_.service_name);
  settings_->numbers_[param::process_id.id] = args_.process_id;
  settings_->strings_[param::process_id.id] =
      fmt::format("{}", args_.process_id);
  done_[param::process_id.id] = true;
  return {};
}

Result<std::string> Loader::expand_text(std::string_view text) {
  if (text.find('$') == text.npos) return std::string(text);
  auto result = expand(text, lookup_, {.recursive = true});
  if (result) return std::move(result->text);
  warn(result.error().what);
  return fail(Fault::Config, "dictionary mail_dict: macro processing error");
}

std::optional<std::string> Loader::text_of(std::string_view name) {
  auto id = find_param(name);
  if (id && done_[*id]) return settings_->strings_[*id];
  if (auto found = definition(name)) return found->value;
  if (!id) return std::nullopt;
  if (*id == param::mynetworks.id) return networks();
  std::string_view text = kParams[*id].default_text;
  if (text == kHostDefault) return std::nullopt;
  return std::string(text);
}

Failure Loader::bad_value(std::string_view name, std::string_view value) {
  return fail(Fault::Config,
              fmt::format("file {}: parameter {}: bad parameter value: {}",
                          settings_->main_cf_, name, value));
}

/// myhostname and mydomain, each the other's default.
Result<> Loader::find_host_names() {
  std::string host = args_.host.host_name;
  auto domain_of = [](std::string_view name) {
    size_t dot = name.find('.');
    return dot == name.npos || dot + 1 == name.size()
               ? std::string("localdomain")
               : std::string(name.substr(dot + 1));
  };
  const Definition* domain = definition("mydomain");
  if (const Definition* own = definition("myhostname")) {
    host = TRY(expand_text(own->value));
  } else if (host.find('.') == std::string::npos) {
    host += '.';
    host += domain ? TRY(expand_text(domain->value)) : "localdomain";
  }
  if (!is_host_name(host)) return bad_value("myhostname", host);
  set(param::myhostname, host);
  std::string mydomain =
      domain ? TRY(expand_text(domain->value)) : domain_of(host);
  if (!is_host_name(mydomain)) return bad_value("mydomain", mydomain);
  set(param::mydomain, std::move(mydomain));
  return {};
}

/// myorigin; on Debian a path means the file's first line.
Result<> Loader::find_origin() {
  const Definition* own = definition("myorigin");
  std::string origin = TRY(expand_text(own ? own->value : "$myhostname"));
  if (origin.starts_with('/')) {
    auto text = args_.read(origin);
    if (!text) {
      return fail(Fault::Config,
                  fmt::format("myorigin file {}", text.error().what));
    }
    std::string_view first = *text;
    first = trim(first.substr(0, first.find('\n')));
    if (first.empty()) {
      return fail(Fault::Config,
                  fmt::format("myorigin file {} is empty", origin));
    }
    origin = first;
  }
  if (origin.find_first_of(", \t\r\n") != std::string::npos) {
    return fail(Fault::Config,
                fmt::format("myorigin parameter setting must not contain "
                            "multiple values: {}",
                            origin));
  }
  set(param::myorigin, std::move(origin));
  return {};
}

std::string Loader::networks() {
  if (finding_networks_) return {};
  finding_networks_ = true;
  auto compute = [&]() -> Result<std::string> {
    std::string style = TRY(expand_text("$mynetworks_style"));
    std::string interfaces = TRY(expand_text("$inet_interfaces"));
    std::string protocols = TRY(expand_text("$inet_protocols"));
    auto own = TRY(own_addresses(interfaces, protocols, args_.host));
    return default_networks(own, style);
  };
  auto result = compute();
  finding_networks_ = false;
  if (!result) {
    networks_error_ = result.error();
    return {};
  }
  set(param::mynetworks, *result);
  return std::move(*result);
}

Result<> Loader::evaluate_param(int id) {
  if (done_[id]) return {};
  const ParamInfo& info = kParams[id];
  const Definition* own = definition(info.name);
  std::string_view text = own ? own->value : info.default_text;
  bool matters = args_.process_name.empty() || reads(info, args_.process_name);
  auto& value = settings_->strings_[id];
  auto& number = settings_->numbers_[id];
  done_[id] = true;
  if (info.type == Type::Raw) {
    value = text;
    auto length = evaluate(info, value);
    if (!length && matters) return fail(length.error());
    return {};
  }
  done_[id] = false;
  auto expanded = expand_text(text);
  done_[id] = true;
  if (expanded) {
    value = std::move(*expanded);
    auto result = evaluate(info, value);
    if (result) {
      number = *result;
      return {};
    }
    if (matters) return fail(result.error());
  } else if (matters) {
    return fail(expanded.error());
  }
  if (own == nullptr) return {};
  // Another program's mistake: we go on with the default.
  if (auto again = expand_text(info.default_text)) {
    if (auto result = evaluate(info, *again)) {
      value = std::move(*again);
      number = *result;
    }
  }
  return {};
}

Result<> Loader::check_relations() {
  const Settings& s = *settings_;
  if (iequals(s.get(param::myhostname), s.get(param::relayhost))) {
    return fail(Fault::Config,
                fmt::format("myhostname and relayhost parameter settings must "
                            "not be identical: {}",
                            s.get(param::myhostname)));
  }
  const std::string& verp = s.get(param::default_verp_delimiters);
  const std::string& filter = s.get(param::verp_delimiter_filter);
  bool good = verp.size() == 2;
  for (char c : verp) good &= filter.find(c) != std::string::npos;
  if (!good) {
    return fail(Fault::Config,
                fmt::format("file {}: parameter default_verp_delimiters: bad "
                            "VERP delimiter characters: {}",
                            s.main_cf(), verp));
  }
  if (!args_.check_accounts) return {};
  return check_accounts(s, args_.host);
}

Result<SettingsPtr> Loader::load() {
  TRY(read_definitions());
  TRY(evaluate_param(param::compatibility_level.id));
  const std::string& wanted = settings_->get(param::compatibility_level);
  if (!parse_level(wanted)) {
    return fail(
        Fault::Config,
        fmt::format("malformed compatibility level syntax: \"{}\"", wanted));
  }
  TRY(evaluate_param(param::mail_version.id));
  TRY(find_host_names());
  TRY(find_origin());
  if (definition("mynetworks") == nullptr) {
    networks();
    if (networks_error_) return fail(std::move(*networks_error_));
  }
  for (int id = 0; id < param::kCount; ++id) TRY(evaluate_param(id));
  TRY(check_relations());
  return SettingsPtr(std::move(settings_));
}

Result<SettingsPtr> load(const LoadArgs& args) { return Loader(args).load(); }

}  // namespace mail::config
