#include "dkim-milter/filter.h"

#include <errno.h>
#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <atomic>

#include "common/base/file.h"
#include "dkim-milter/filter_log.h"

namespace mail::dkim_milter {

namespace {

constexpr size_t kMaxConf = 4 << 20;
std::atomic<bool> reload_requested = false;

Result<std::string> read_conf_file(const std::string& path) {
  return mail::read_file(path == "-" ? "/dev/stdin" : path, kMaxConf);
}

}  // namespace

Result<ReadConf> read_conf(const Options& options) {
  ReadConf out;
  out.file = options.conf_file;
  if (out.file.empty() && access(kDefaultConf, R_OK) == 0) {
    out.file = kDefaultConf;
  }
  if (!out.file.empty()) {
    out.conf = TRY(config::opendkim::Conf::read(out.file, read_conf_file));
  }
  for (const auto& [name, value] : options.settings) {
    const auto* parameter = config::opendkim::find_parameter(name);
    using config::opendkim::Kind;
    if (parameter->kind == Kind::Integer &&
        !config::opendkim::parse_integer(value)) {
      return fail(Fault::Config, fmt::format("{}: illegal value", name));
    }
    out.conf.set(name, value);
  }
  return out;
}

Result<> Filter::load_locked(const config::opendkim::Conf& conf,
                             const std::string& file) {
  LoadContext given;
  given.key_rules.require_safe = conf.boolean("RequireSafeKeys");
  given.key_rules.uid = signer_;
  if (context_) given.keys_before = context_->settings->keys;
  Loaded loaded = TRY(load_settings(conf, file, given));
  auto next = std::make_shared<Context>();
  next->settings = loaded.settings;
  next->fixed_time = options_.fixed_time;
  if (context_ && same_source(*context_->settings, *loaded.settings)) {
    next->key_source = context_->key_source;
  } else {
    auto source = make_key_source(*loaded.settings);
    if (!source) {
      return fail(Fault::Config,
                  fmt::format("{}: {}", file, source.error().what));
    }
    next->key_source = std::move(*source);
  }
  context_ = std::move(next);
  warnings_ = std::move(loaded.warnings);
  return {};
}

Result<> Filter::load(const config::opendkim::Conf& conf,
                      const std::string& file, uid_t signer) {
  std::lock_guard lock(mutex_);
  file_ = file;
  signer_ = signer;
  return load_locked(conf, file.empty() ? "configuration" : file);
}

void Filter::request_reload() { reload_requested = true; }

std::shared_ptr<const Context> Filter::context() {
  std::lock_guard lock(mutex_);
  if (reload_requested.exchange(false)) reload();
  return context_;
}

void Filter::reload() {
  if (file_.empty()) {
    log_line(Priority::Error, "ignoring reload signal");
    return;
  }
  auto conf = config::opendkim::Conf::read(file_, read_conf_file);
  if (!conf) {
    log_line(Priority::Error, conf.error().what);
    return;
  }
  // The mode and its like from the command line are lost, as ever.
  if (auto loaded = load_locked(*conf, file_); !loaded) {
    log_line(Priority::Error, loaded.error().what);
    return;
  }
  for (const auto& line : warnings_) log_line(Priority::Warning, line);
  log_line(Priority::Info,
           fmt::format("configuration reloaded from {}", file_));
}

}  // namespace mail::dkim_milter
