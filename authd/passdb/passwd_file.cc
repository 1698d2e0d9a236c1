// passdb passwd-file, and the userdb of the same file.
#include "authd/passwd_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "authd/driver_args.h"
#include "authd/log_lines.h"
#include "authd/passdb/drivers.h"
#include "authd/userdb/drivers.h"
#include "common/base/ascii.h"
#include "common/sasl/password.h"

namespace mail::authd {

namespace {

struct FileOptions {
  std::string scheme = "CRYPT", username_format = "%u", path;
};

Result<FileOptions> parse_options(const DatabaseSettings& settings,
                                  std::string_view kind) {
  FileOptions out;
  DriverArgs args(settings.args);
  while (auto option = args.next_option()) {
    if (option->first == "scheme" && kind == "passdb")
      out.scheme = upper(option->second);
    else if (option->first == "username_format")
      out.username_format = option->second;
    else
      return fail(Fault::Config,
                  fmt::format("{} passwd-file: Invalid parameter "
                              "{}",
                              kind, option->first));
  }
  out.path = trim(args.rest());
  if (out.path.empty()) {
    return fail(Fault::Config,
                fmt::format("{} passwd-file: Missing args", kind));
  }
  return out;
}

struct Found {
  const PasswdEntry* entry = nullptr;
  bool failed = false;
};

/// The entry of a user, or why not, in the log.
Found find(PasswdFile& file, const FileOptions& options, const Request& request,
           std::string_view log_name, const DatabaseSettings& settings) {
  Found out;
  std::string path = file.path_for(request);
  std::string name = expand(options.username_format, request);
  if (request.settings->debug) {
    log_lines::debug(request.line(
        log_name, fmt::format("lookup: user={} file={}", name, path)));
  }
  auto opened = file.open(path, request.settings->debug);
  if (!opened) {
    // A domain without a file has no users; the one file must be there.
    if (opened.error().sys == ENOENT && file.has_variables()) {
      if (log_lines::verbose(request, &settings)) {
        log_lines::info(request.line(
            log_name, fmt::format("missing passwd file: {}", path)));
      }
      return out;
    }
    out.failed = true;
    if (opened.error().sys == ENOENT) {
      log_lines::error(request.line(
          log_name,
          fmt::format("stat({}) failed: No such file or directory", path)));
    } else {
      log_lines::error(
          request.line(log_name, fmt::format("open({}) failed: {}", path,
                                             strerror(opened.error().sys))));
    }
    return out;
  }
  auto at = (*opened)->users.find(name);
  if (at != (*opened)->users.end()) {
    out.entry = &at->second;
  }
  return out;
}

std::pair<std::string_view, std::string> extra_field(const std::string& text,
                                                     const Request& request) {
  size_t equals = text.find('=');
  std::string_view name = std::string_view(text).substr(0, equals);
  if (equals == std::string::npos) return {name, ""};
  return {name, expand(std::string_view(text).substr(equals + 1), request)};
}

class PasswdFilePassdb : public Passdb {
 public:
  PasswdFilePassdb(const DatabaseSettings& settings, unsigned id,
                   FileOptions options)
      : Passdb(settings, id),
        options_(std::move(options)),
        file_(PasswdFile::shared(options_.path)),
        key_(options_.path + options_.username_format) {}

  std::string_view cache_key() const override { return key_; }

  PassAnswer look_up(const Request& request) override {
    PassAnswer out;
    Found found = find(*file_, options_, request, log_name(), settings());
    if (found.failed) return out;
    if (!found.entry) {
      out.result = PassResult::UnknownUser;
      log_lines::unknown_user(request, log_name(), settings());
      return out;
    }
    out.result = PassResult::Ok;
    auto stored = sasl::split_stored(found.entry->password);
    out.scheme =
        stored.scheme.empty() ? options_.scheme : std::string(stored.scheme);
    out.stored = std::string(stored.data);
    for (const auto& text : found.entry->extra) {
      auto [name, value] = extra_field(text, request);
      out.fields.set(name, value);
    }
    return out;
  }

 private:
  FileOptions options_;
  std::shared_ptr<PasswdFile> file_;
  std::string key_;
};

class PasswdFileUserdb : public Userdb {
 public:
  PasswdFileUserdb(const DatabaseSettings& settings, unsigned id,
                   FileOptions options)
      : Userdb(settings, id),
        options_(std::move(options)),
        file_(PasswdFile::shared(options_.path)),
        key_(options_.path + options_.username_format) {
    file_->use_for_users();
  }

  std::string_view cache_key() const override { return key_; }

  UserAnswer look_up(const Request& request) override {
    UserAnswer out;
    Found found = find(*file_, options_, request, log_name(), settings());
    if (found.failed) return out;
    if (!found.entry || !found.entry->has_userdb) {
      out.result = UserResult::UnknownUser;
      if (!found.entry)
        log_lines::unknown_user(request, log_name(), settings());
      return out;
    }
    out.result = UserResult::Ok;
    for (auto [name, value] :
         {std::pair("uid", &found.entry->uid), {"gid", &found.entry->gid}}) {
      if (!value->empty()) out.fields.set(name, *value);
    }
    if (!found.entry->home.empty()) {
      out.fields.set("home", expand(found.entry->home, request));
    }
    for (const auto& text : found.entry->extra) {
      auto [name, value] = extra_field(text, request);
      if (name.starts_with("userdb_")) out.fields.set(name.substr(7), value);
    }
    return out;
  }

  bool list(const Request& request,
            const std::function<void(std::string_view)>& found) override {
    if (file_->has_variables()) {
      log_lines::error(
          "passwd-file: User iteration isn't currently supported with "
          "%variable paths");
      return false;
    }
    auto opened = file_->open(options_.path, request.settings->debug);
    if (!opened) {
      log_lines::error(fmt::format("passwd-file: {}", opened.error().what));
      return false;
    }
    for (const auto& name : (*opened)->order) found(name);
    return true;
  }

 private:
  FileOptions options_;
  std::shared_ptr<PasswdFile> file_;
  std::string key_;
};

}  // namespace

Result<std::unique_ptr<Passdb>> make_passwd_file_passdb(
    const DatabaseSettings& settings, unsigned id) {
  auto options = TRY(parse_options(settings, "passdb"));
  return std::make_unique<PasswdFilePassdb>(settings, id, std::move(options));
}

Result<std::unique_ptr<Userdb>> make_passwd_file_userdb(
    const DatabaseSettings& settings, unsigned id) {
  auto options = TRY(parse_options(settings, "userdb"));
  return std::make_unique<PasswdFileUserdb>(settings, id, std::move(options));
}

}  // namespace mail::authd
