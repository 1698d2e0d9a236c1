#include "common/maps/change.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <time.h>

#include "common/log/log.h"

namespace mail::maps {

std::string change_text(const Table& table, const OpenOptions& options) {
  return fmt::format("table {}({:o},{}) has changed -- restarting",
                     table.name(), options.mode, flags_text(options.flags));
}

void warn_if_older(int fd, const std::string& source,
                   const OpenOptions& options, std::string_view suffix) {
  struct stat database{}, text{};
  if (::fstat(fd, &database) != 0) return;
  if (::stat(source.c_str(), &text) != 0) return;
  if (text.st_mtime <= database.st_mtime) return;
  if (text.st_mtime >= ::time(nullptr) - 100) return;
  std::string line = fmt::format("database {}{} is older than source file {}",
                                 source, suffix, source);
  if (options.warn) {
    options.warn(line);
  } else {
    log::warning(line);
  }
}

}  // namespace mail::maps
