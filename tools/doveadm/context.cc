#include "tools/doveadm/context.h"

#include <fmt/format.h>
#include <getopt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/base/file.h"
#include "common/config/dovecot/configuration.h"
#include "common/config/dovecot/setting_list.h"
#include "common/process/dovecot_files.h"
#include "tools/doveadm/usage.h"

namespace mail::doveadm {

namespace cf = config::dovecot;
namespace setting = config::dovecot::setting;

void Context::flush() { (void)write_all(STDOUT_FILENO, printer.take()); }

void Context::print(std::string_view text) {
  flush();
  (void)write_all(STDOUT_FILENO, text);
}

void Context::error(std::string_view text) {
  flush();
  (void)write_all(STDERR_FILENO, fmt::format("Error: {}\n", text));
}

void Context::fatal(std::string_view text, int status) {
  (void)write_all(STDERR_FILENO, fmt::format("Fatal: {}\n", text));
  flush();
  _exit(status);
}

void Context::usage() {
  (void)write_all(STDERR_FILENO, usage_line(command));
  leave(kUsage);
}

void Context::leave(int status) {
  (void)write_all(STDOUT_FILENO, printer.finish());
  _exit(status);
}

const cf::Settings& Context::settings() {
  if (settings_) return *settings_;
  struct stat info;
  if (stat(config_path.c_str(), &info) != 0) {
    fatal(fmt::format("Error reading configuration: stat({}) failed: {}",
                      config_path, strerror(errno)));
  }
  process::DovecotFiles files;
  auto configuration = cf::Configuration::load(config_path, files);
  for (const auto& problem : configuration.problems()) {
    if (problem.kind != cf::Problem::Kind::Error) continue;
    fatal(problem.message(), kFatal);
  }
  cf::Context wanted;
  wanted.service = "doveadm";
  auto flat = configuration.flat(wanted, {"doveadm", "mail"}, files);
  if (!flat) fatal(flat.error().what, kFatal);
  for (const auto& [name, value] : overrides) {
    std::erase_if(*flat, [&](const auto& one) { return one.first == name; });
    flat->emplace_back(name, value);
  }
  auto made = cf::Settings::make(*flat);
  if (!made) fatal(made.error().what, kFatal);
  settings_ = *made;
  return *settings_;
}

cf::SettingsPtr Context::settings_snapshot() {
  (void)settings();
  return settings_;
}

std::string Context::socket_path(std::string_view name) {
  if (name.starts_with('/')) return std::string(name);
  return fmt::format("{}/{}", settings().get(setting::base_dir), name);
}

net::Loop& Context::loop() {
  if (!loop_) loop_ = std::make_unique<net::Loop>();
  return *loop_;
}

Options::Options(Context& context, std::string letters, Place place)
    : context_(context),
      letters_((place == Place::InFront ? "+" : "") + std::move(letters)) {
  for (auto& word : context_.arguments) argv_.push_back(word.data());
  argv_.push_back(nullptr);
  optind = 0;  // begin anew
}

int Options::next() {
  static const option kNone[] = {{nullptr, 0, nullptr, 0}};
  int letter = getopt_long(static_cast<int>(argv_.size()) - 1, argv_.data(),
                           letters_.c_str(), kNone, nullptr);
  if (letter == '?') context_.leave(kUsage);
  return letter < 0 ? 0 : letter;
}

std::string Options::value() const { return optarg ? optarg : ""; }

std::vector<std::string> Options::rest() const {
  std::vector<std::string> out;
  for (size_t i = static_cast<size_t>(optind); argv_[i]; ++i) {
    out.emplace_back(argv_[i]);
  }
  return out;
}

}  // namespace mail::doveadm
