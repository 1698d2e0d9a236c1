#include "tools/postfix/checks.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/config/postfix/master_cf.h"
#include "common/config/postfix/params.h"
#include "common/log/log.h"
#include "tools/postfix/directories.h"
#include "tools/postfix/queue_names.h"

namespace mail::postfix_command {

namespace param = config::param;

namespace {

bool fault(std::string_view text) {
  log::line(log::Level::Fatal, text);
  return false;
}

bool is_directory(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool is_program(const std::string& path) {
  return access(path.c_str(), X_OK) == 0;
}

bool has_directory(std::string_view kind, const std::string& path) {
  if (path.empty() || path == "no" || is_directory(path)) return true;
  return fault(fmt::format("no Postfix {} directory {}!", kind, path));
}

bool has_postlog(const std::string& text, const Site& site) {
  const auto& settings = *site.settings;
  if (settings.get(param::maillog_file).empty()) return true;
  std::string path = site.config_directory() + "/master.cf";
  auto lines = config::parse_master_cf(text, path, {}, {});
  if (!lines) return fault(lines.error().what);
  for (const auto& line : *lines) {
    if (line.name == settings.get(param::postlog_service_name) &&
        line.type == config::ServiceType::UnixDgram) {
      return true;
    }
  }
  return fault(
      "missing 'postlog' service in master.cf - run 'postfix "
      "upgrade-configuration'");
}

bool has_master_cf(const Site& site) {
  std::string path = site.config_directory() + "/master.cf";
  if (access(path.c_str(), F_OK) != 0) {
    return fault(fmt::format("no {} file found", path));
  }
  auto text = read_file(path);
  if (!text) return fault(text.error().what);
  return has_postlog(*text, site);
}

/// A queue that was copied here has files whose names say other inodes.
bool mend_queue(const Site& site) {
  if (!queue_names_need_mending(site)) return true;
  std::string postsuper = site.command_directory() + "/postsuper";
  auto status = run_program({postsuper});
  if (!status) return fault(status.error().what);
  return *status == 0;
}

}  // namespace

bool check_fatal(const Site& site) {
  const auto& settings = *site.settings;
  if (!has_directory("command", site.command_directory())) return false;
  if (!has_directory("daemon", site.daemon_directory())) return false;
  std::string master = site.daemon_directory() + "/master";
  if (access(master.c_str(), F_OK) != 0) {
    return fault(fmt::format("no Postfix master program {}!", master));
  }
  if (!has_directory("configuration", site.config_directory())) return false;
  if (!site.rootless) {
    if (!has_directory("shared-library", settings.get(param::shlib_directory)))
      return false;
    if (!has_directory("meta", settings.get(param::meta_directory)))
      return false;
  }
  if (!is_program(master)) {
    return fault(fmt::format("cannot execute {}!", master));
  }
  if (!has_directory("queue", site.queue_directory())) return false;
  if (!has_master_cf(site)) return false;
  if (auto made = create_missing(site); !made) {
    return fault(made.error().what);
  }
  return mend_queue(site);
}

}  // namespace mail::postfix_command
