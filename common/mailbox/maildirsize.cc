#include "common/mailbox/maildirsize.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/base/number.h"

namespace mail::mailbox {

namespace {
constexpr size_t kLongest = 5120;

std::optional<QuotaAmount> parse_limits(std::string_view line) {
  QuotaAmount out;
  for (std::string_view part : split_exact(line, ',')) {
    if (part.empty()) continue;
    char kind = part.back();
    part.remove_suffix(1);
    auto value = parse_number<uint64_t>(part);
    if (!value || (kind != 'S' && kind != 'C')) return std::nullopt;
    (kind == 'S' ? out.bytes : out.messages) = *value;
  }
  return out;
}

}  // namespace

std::optional<Maildirsize> parse_maildirsize(std::string_view text) {
  size_t end = text.find('\n');
  if (end == text.npos || !text.ends_with('\n')) return std::nullopt;
  auto limit = parse_limits(text.substr(0, end));
  if (!limit) return std::nullopt;
  Maildirsize out;
  out.limit = *limit;
  for (std::string_view line : split(text.substr(end + 1), "\n")) {
    auto words = split(line, " ");
    if (words.size() != 2) return std::nullopt;
    auto bytes = parse_number<int64_t>(words[0]);
    auto messages = parse_number<int64_t>(words[1]);
    if (!bytes || !messages) return std::nullopt;
    out.bytes += *bytes;
    out.messages += *messages;
    ++out.lines;
  }
  return out;
}

std::string format_maildirsize(const QuotaAmount& limit,
                               const QuotaAmount& used) {
  std::string out;
  if (limit.bytes || !limit.messages) out = fmt::format("{}S", limit.bytes);
  if (limit.messages) {
    out += fmt::format("{}{}C", out.empty() ? "" : ",", limit.messages);
  }
  return out + fmt::format("\n{} {}\n", used.bytes, used.messages);
}

std::optional<Maildirsize> read_maildirsize(const std::string& path,
                                            int64_t& age) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  age = time(nullptr) - info.st_mtime;
  auto text = read_file(path, kLongest);
  if (!text) return std::nullopt;
  return parse_maildirsize(*text);
}

void append_maildirsize(const std::string& path, int64_t bytes,
                        int64_t messages) {
  UniqueFd fd(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return;
  std::string line = fmt::format("{} {}\n", bytes, messages);
  // Half a line has it made anew.
  (void)!::write(fd.get(), line.data(), line.size());
}

}  // namespace mail::mailbox
