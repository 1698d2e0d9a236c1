// opendkim(8): signs and verifies mail for an MTA that speaks milter.
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/crypto/version.h"
#include "dkim-milter/filter.h"
#include "dkim-milter/milter.h"
#include "dkim-milter/version.h"

namespace mail::dkim_milter {

namespace {

void print_version() {
  (void)write_all(
      STDOUT_FILENO,
      fmt::format("opendkim: {} v{}\n\tCompiled with {}\n\tSMFI_VERSION {}\n"
                  "\tlibmilter version {}\n"
                  "\tSupported signing algorithms:\n\t\trsa-sha1\n"
                  "\t\trsa-sha256\n\t\ted25519-sha256\n"
                  "\tSupported canonicalization algorithms:\n\t\trelaxed\n"
                  "\t\tsimple\n\tActive code options:\n\t\tUSE_DB\n"
                  "\t\tPOSTCOTE\n",
                  kProduct, kVersion, crypto::compiled_version(),
                  milter_interface_version(), milter_library_version()));
}

int fail_with(int status, std::string_view text) {
  (void)write_all(STDERR_FILENO, fmt::format("opendkim: {}\n", text));
  return status;
}

int check(const Options& options, const ReadConf& read) {
  auto identity = find_identity(read.conf.string("UserID"));
  if (!identity && read.conf.is_set("KeyFile")) {
    return fail_with(EX_CONFIG, identity.error().what);
  }
  if (auto directory = read.conf.string("BaseDirectory")) {
    (void)!chdir(directory->c_str());
  }
  Filter filter(options);
  auto loaded =
      filter.load(read.conf, read.file, identity ? identity->uid : geteuid());
  if (!loaded) return fail_with(EX_CONFIG, loaded.error().what);
  for (const auto& line : filter.warnings()) {
    (void)fail_with(0, "warning: " + line);
  }
  return EX_OK;
}

std::string shown(const config::opendkim::Conf::Entry& entry) {
  using config::opendkim::Kind;
  if (entry.parameter->kind == Kind::Boolean) {
    return *config::opendkim::parse_boolean(entry.value) ? "True" : "False";
  }
  if (entry.parameter->kind == Kind::Integer) {
    return fmt::format("{}", *config::opendkim::parse_integer(entry.value));
  }
  return entry.value;
}

int show(const Options& options, const ReadConf& read) {
  const auto* parameter = config::opendkim::find_parameter(options.show);
  if (!parameter) return EX_DATAERR;
  int status = EX_CONFIG;
  const auto& entries = read.conf.entries();
  for (size_t i = entries.size(); i > 0; --i) {
    if (entries[i - 1].parameter != parameter) continue;
    (void)write_all(STDOUT_FILENO, shown(entries[i - 1]) + "\n");
    status = EX_OK;
  }
  return status;
}

int run(int argc, char** argv) {
  int status = EX_OK;
  auto options = parse_options(argc, argv, status);
  if (!options) return status;
  using Mode = Options::Mode;
  if (options->mode == Mode::Version) {
    print_version();
    return EX_OK;
  }
  auto read = read_conf(*options);
  if (!read) return fail_with(EX_CONFIG, read.error().what);
  switch (options->mode) {
    case Mode::Check:
      return check(*options, *read);
    case Mode::Show:
      return show(*options, *read);
    case Mode::Query:
      return run_query_mode();
    case Mode::Test:
      return run_test_mode(*options, *read);
    default:
      return run_filter(*options, *read);
  }
}

}  // namespace

}  // namespace mail::dkim_milter

int main(int argc, char** argv) {
  mail::prepare_heap();
  return mail::dkim_milter::run(argc, argv);
}
