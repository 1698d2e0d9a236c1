#include "tools/postconf/model.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "common/base/ascii.h"
#include "common/config/postfix/expand.h"
#include "common/config/postfix/logical_lines.h"
#include "common/config/postfix/main_cf.h"
#include "common/config/postfix/networks.h"
#include "common/config/postfix/param_info.h"
#include "common/config/postfix/transport.h"
#include "tools/postconf/databases.h"

namespace mail::postconf {

namespace {

constexpr std::string_view kDefaultDirectory = "/etc/postfix";

bool has_queue_params(std::string_view command) {
  for (std::string_view agent :
       {"local", "error", "virtual", "smtp", "lmtp", "pipe"}) {
    if (command == agent) return true;
  }
  return false;
}

std::string default_of(std::string_view suffix) {
  if (suffix == config::kTimeLimitSuffix) return "$command_time_limit";
  if (suffix == "initial_destination_concurrency") {
    return "$initial_destination_concurrency";
  }
  return fmt::format("$default_{}", suffix);
}

/// A missing file only costs a warning where `must_exist` is false.
Result<std::string> read_or_warn(const config::FileReader& read,
                                 const std::string& path,
                                 const config::WarningSink& warn) {
  auto text = read(path);
  if (text) return text;
  warn(text.error().what);
  return std::string();
}

}  // namespace

Model::Model(const Options& options)
    : defaults_only_(options.has('d')),
      directory_(options.config_directory.empty()
                     ? std::string(kDefaultDirectory)
                     : options.config_directory) {}

Result<Model> Model::load(const Options& options, const config::HostFacts& host,
                          const config::FileReader& read,
                          const config::WarningSink& warn) {
  Model model(options);
  model.read_ = read;
  model.host_ = host;
  std::string path = model.directory_ + "/main.cf";
  if (!model.defaults_only_) {
    std::string text = TRY(read(path));
    model.main_ = TRY(config::parse_main_cf(text, path, warn));
  }
  for (const auto& [name, value] : options.overrides) {
    model.main_[name] = {value, 0};
  }
  if (!model.defaults_only_ && model.directory_ != kDefaultDirectory) {
    model.main_["config_directory"] = {model.directory_, 0};
  }
  path = model.directory_ + "/master.cf";
  std::string master_text = TRY(read_or_warn(read, path, warn));
  config::LogicalLines lines(master_text, path, warn);
  auto warn_args = [&](std::string_view what) {
    warn(fmt::format("master.cf: {}", what));
  };
  while (auto line = lines.next()) {
    auto entry = parse_entry(line->text, warn_args);
    if (!entry && entry.error().what == "bad field count") {
      return fail(Fault::Config, fmt::format("file {}: line {}: {}", path,
                                             line->line, entry.error().what));
    }
    if (!entry) return fail(entry.error());
    model.master_.push_back(std::move(*entry));
  }
  model.add_builtin();
  TRY(model.add_service_params());
  if (!model.defaults_only_) model.add_user_params(warn);
  return model;
}

void Model::add_builtin() {
  for (int i = 0; i < config::kParamCount; ++i) {
    const config::ParamInfo& info = config::kParams[i];
    Entry& entry = params_[std::string(info.name)];
    entry.default_text = info.default_text;
    entry.raw = info.type == config::Type::Raw;
  }
  for (const char* name : {"process_id", "process_name", "service_name"}) {
    params_[name].read_only = true;
  }
}

Result<> Model::add_service_params() {
  auto add = [&](const std::string& service, std::string_view suffix) {
    params_.try_emplace(fmt::format("{}_{}", service, suffix),
                        Entry{Class::Service, default_of(suffix)});
  };
  for (const MasterEntry& entry : master_) {
    const std::string& command =
        entry.fields.fields[config::MasterFields::Command];
    if (has_queue_params(command)) {
      for (std::string_view suffix : config::kQueueSuffixes) {
        add(entry.name(), suffix);
      }
    }
    if (command == "pipe" || command == "spawn") {
      add(entry.name(), config::kTimeLimitSuffix);
    }
  }
  return {};
}

/// A name of main.cf that something refers to becomes a parameter.
bool Model::add_user(std::string_view name) {
  if (params_.find(name) != params_.end()) return true;
  if (main_.find(name) == main_.end()) return false;
  params_.emplace(std::string(name), Entry{Class::User, ""});
  return true;
}

void Model::see(std::string_view text, bool is_default,
                const config::WarningSink& warn, std::string_view file,
                const MasterEntry* service) {
  auto scanned = config::scan_names(text, [&](std::string_view name) {
    if (add_user(name) || is_default) return;
    if (service != nullptr) {
      for (const auto& [own, value] : service->overrides()) {
        if (own == name) return;
      }
    }
    warn(fmt::format("{}/{}: undefined parameter: {}", directory_, file, name));
  });
  if (!scanned && !is_default) warn(scanned.error().what);
}

void Model::add_user_params(const config::WarningSink& warn) {
  auto see_classes = [&](std::string_view text, std::string_view file) {
    auto names = expand(text);
    if (!names) return;
    for (std::string_view name : split(*names)) {
      if (!add_user(name)) {
        warn(fmt::format("{}/{}: undefined parameter: {}", directory_, file,
                         name));
      }
    }
  };
  constexpr std::string_view kClasses = "smtpd_restriction_classes";
  for (const MasterEntry& entry : master_) {
    for (const auto& [name, value] : entry.overrides()) {
      see(value, false, warn, "master.cf", &entry);
      if (name == kClasses) see_classes(value, "master.cf");
      check_databases(value, warn);
    }
  }
  if (auto* text = explicit_text(kClasses)) see_classes(*text, "main.cf");
  for (const auto& [name, definition] : main_) {
    auto at = params_.find(name);
    if (at != params_.end() && at->second.read_only) {
      warn(fmt::format("{}/main.cf: read-only parameter assignment: {}={}",
                       directory_, name, definition.value));
      continue;
    }
    see(definition.value, /*is_default=*/false, warn, "main.cf", nullptr);
    if (at != params_.end()) check_databases(definition.value, warn);
  }
  std::vector<std::string> defaults;
  for (const auto& [name, entry] : params_) {
    defaults.push_back(entry.default_text);
  }
  for (const std::string& text : defaults) {
    see(text, /*is_default=*/true, warn, "main.cf", nullptr);
  }
}

/// Tables whose settings stand in main.cf (NAME_suffix) or in a file.
void Model::check_databases(std::string_view text,
                            const config::WarningSink& warn) {
  for (std::string_view item : split(text, " \t\r\n,{}")) {
    while (item.starts_with("proxy:")) item.remove_prefix(6);
    size_t colon = item.find(':');
    if (colon == item.npos) continue;
    std::string_view type = item.substr(0, colon);
    std::string name(item.substr(colon + 1));
    if (!is_client_database(type) || name.empty()) continue;
    if (name.front() == '/' || name.front() == '.') {
      check_database_file(type, name, warn);
      continue;
    }
    for (std::string_view suffix : database_suffixes(type)) {
      add_user(fmt::format("{}_{}", name, suffix));
    }
  }
}

void Model::check_database_file(std::string_view type, const std::string& path,
                                const config::WarningSink& warn) {
  auto text = read_(path);
  if (!text) {
    if (text.error().sys == EACCES) return;
    std::string_view reason = text.error().what;
    size_t colon = reason.rfind(": ");
    if (colon != reason.npos) reason.remove_prefix(colon + 2);
    warn(fmt::format("open \"{}\" configuration \"{}\": {}", type, path,
                     reason));
    return;
  }
  config::LogicalLines lines(*text, path, warn);
  auto suffixes = database_suffixes(type);
  while (auto line = lines.next()) {
    auto pair = config::split_definition(line->text);
    if (!pair) {
      warn(fmt::format("{}, line {}: {}", path, line->line, pair.error().what));
      return;
    }
    if (std::find(suffixes.begin(), suffixes.end(), pair->first) !=
        suffixes.end()) {
      continue;
    }
    warn(fmt::format("{}:{}: unused parameter: {}={}", type, path, pair->first,
                     pair->second));
  }
}

const std::string* Model::explicit_text(std::string_view name) const {
  auto at = main_.find(name);
  return at == main_.end() ? nullptr : &at->second.value;
}

std::optional<std::string> Model::lookup(std::string_view name,
                                         const MasterEntry* service) const {
  if (service != nullptr) {
    for (const auto& [own, value] : service->overrides()) {
      if (own == name) return value;
    }
    if (name == "service_name") return service->name();
    if (name == "process_name") {
      return service->fields.fields[config::MasterFields::Command];
    }
  }
  auto at = params_.find(name);
  if (at != params_.end()) return text_of(name, at->second);
  if (auto* text = explicit_text(name)) return *text;
  return std::nullopt;
}

Result<std::string> Model::expand(std::string_view text,
                                  const MasterEntry* service) const {
  auto result = config::expand(
      text, [&](std::string_view name) { return lookup(name, service); },
      {.recursive = true});
  if (!result) return fail(result.error());
  return std::move(result->text);
}

std::string Model::text_of(std::string_view name, const Entry& entry) const {
  if (name == "process_id") return fmt::format("{}", getpid());
  if (name == "process_name") return "postconf";
  if (name == "service_name") return "";
  if (auto* text = explicit_text(name)) return *text;
  if (entry.default_text != config::kHostDefault) return entry.default_text;
  if (name == "myhostname") {
    std::string host = host_.host_name;
    if (host.find('.') != std::string::npos) return host;
    auto* domain = explicit_text("mydomain");
    return fmt::format("{}.{}", host, domain ? *domain : "localdomain");
  }
  if (name == "mydomain") {
    auto host = expand("$myhostname");
    size_t dot = host ? host->find('.') : std::string::npos;
    if (dot == std::string::npos) return "localdomain";
    return host->substr(dot + 1);
  }
  auto style = expand("$mynetworks_style");
  auto interfaces = expand("$inet_interfaces");
  auto protocols = expand("$inet_protocols");
  if (!style || !interfaces || !protocols) return "";
  auto own = config::own_addresses(*interfaces, *protocols, host_);
  if (!own) return "";
  return config::default_networks(*own, *style).value_or("");
}

Model::Warnings Model::unused(bool only_master) const {
  Warnings warnings;
  if (defaults_only_) return warnings;
  for (const auto& [name, definition] : main_) {
    if (only_master || params_.find(name) != params_.end()) continue;
    warnings.push_back(fmt::format("{}/main.cf: unused parameter: {}={}",
                                   directory_, name, definition.value));
  }
  for (const MasterEntry& entry : master_) {
    auto overrides = entry.overrides();
    for (const auto& [name, value] : overrides) {
      if (params_.find(name) != params_.end()) continue;
      // A service may refer to what only it defines.
      bool referred = false;
      for (const auto& [other, text] : overrides) {
        (void)config::scan_names(
            text, [&](std::string_view seen) { referred |= seen == name; });
      }
      if (referred) continue;
      warnings.push_back(fmt::format("{}/master.cf: unused parameter: {}={}",
                                     directory_, name, value));
    }
  }
  return warnings;
}

}  // namespace mail::postconf
