// opendkim -Q: asks a data set what it holds.
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "dkim-milter/filter.h"

namespace mail::dkim_milter {

namespace {

constexpr size_t kMaxInput = 1 << 20;

void write_out(std::string_view text) { (void)write_all(STDOUT_FILENO, text); }

void prompt(std::string_view text) {
  if (isatty(STDIN_FILENO)) write_out(text);
}

/// A line of standard input; nullopt at its end.
std::optional<std::string> read_line() {
  std::string out;
  char c;
  while (read(STDIN_FILENO, &c, 1) == 1) {
    if (c == '\n') return out;
    if (out.size() < kMaxInput) out += c;
  }
  if (out.empty()) return std::nullopt;
  return out;
}

/// The first `count` fields of a value; the last takes all that remains.
std::vector<std::string> fields_of(std::string_view value, size_t count) {
  std::vector<std::string> out;
  while (out.size() + 1 < count) {
    size_t colon = value.find(':');
    if (colon == std::string_view::npos) break;
    out.emplace_back(value.substr(0, colon));
    value.remove_prefix(colon + 1);
  }
  if (count > 0) out.emplace_back(value);
  return out;
}

int query(const maps::DataSet& set, const std::string& line) {
  size_t slash = line.rfind('/');
  auto count = slash == std::string::npos
                   ? std::nullopt
                   : parse_number<size_t>(line.substr(slash + 1));
  if (!count) {
    (void)write_all(STDERR_FILENO,
                    fmt::format("opendkim: invalid query '{}'\n", line));
    return EX_USAGE;
  }
  auto found = set.find(line.substr(0, slash));
  if (!found) {
    write_out(fmt::format("opendkim: dkimf_db_get() returned 1: \"{}\"\n",
                          found.error().what));
  } else if (!*found) {
    write_out("opendkim: dkimf_db_get(): record not found\n");
  } else {
    auto fields = fields_of(**found, *count);
    if (fields.size() < *count) {
      write_out("opendkim: dkimf_db_get() returned -1: \"Success\"\n");
      return EX_OK;
    }
    for (const auto& field : fields) {
      write_out(field.empty() ? std::string("<empty>\n")
                              : fmt::format("'{}'\n", field));
    }
  }
  return EX_OK;
}

}  // namespace

int run_query_mode() {
  prompt("opendkim: enter data set description\n\t");
  auto spec = read_line();
  if (!spec) return EX_OK;
  auto set =
      maps::DataSet::open(std::string(trim(*spec)), maps::DataSet::Case::Keep);
  if (!set) {
    std::string what = set.error().what.substr(
        std::min(set.error().what.size(), trim(*spec).size() + 2));
    (void)write_all(
        STDERR_FILENO,
        fmt::format("opendkim: {}: dkimf_db_open(): {}\n", trim(*spec), what));
    return EX_SOFTWARE;
  }
  while (true) {
    prompt(
        "opendkim: enter 'query/n' where 'n' is number of fields to "
        "request\n> ");
    auto line = read_line();
    if (!line) break;
    if (trim(*line).empty()) continue;
    if (int status = query(*set, std::string(trim(*line)))) return status;
  }
  write_out("\n");
  return EX_OK;
}

}  // namespace mail::dkim_milter
