#include "tools/opendkim/common.h"

#include <errno.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/config/opendkim/key_table.h"
#include "common/crypto/secret.h"
#include "common/dkim/tag_list.h"
#include "common/maps/data_set.h"

namespace mail::opendkim_tools {

namespace {

constexpr char kDefaultConf[] = "/etc/opendkim.conf";
constexpr size_t kMaxFile = 4 << 20;

Result<crypto::PrivateKey> parse(std::string text) {
  crypto::Secret secret(std::move(text));
  return crypto::PrivateKey::parse(secret.reveal());
}

}  // namespace

void print(std::string_view text) { (void)write_all(STDOUT_FILENO, text); }

void complain(std::string_view program, std::string_view text) {
  (void)write_all(STDERR_FILENO, fmt::format("{}: {}\n", program, text));
}

Result<crypto::PrivateKey> read_key(const std::string& text) {
  if (text.starts_with("MII")) return parse(dkim::decode_base64(text));
  struct stat status;
  if (stat(text.c_str(), &status) < 0) {
    return fail_errno(text + ": stat()", errno);
  }
  return parse(TRY(read_file(text, kMaxFile)));
}

Result<config::opendkim::Conf> read_conf(
    const std::optional<std::string>& path) {
  std::string file = path.value_or(kDefaultConf);
  if (!path && access(file.c_str(), R_OK) != 0) return config::opendkim::Conf();
  return config::opendkim::Conf::read(file, [](const std::string& name) {
    return mail::read_file(name, kMaxFile);
  });
}

Result<std::vector<KeyPlace>> read_key_table(const std::string& spec) {
  auto table = TRY(maps::DataSet::open(spec, maps::DataSet::Case::Keep));
  std::vector<KeyPlace> out;
  for (const auto& entry : TRY(table.entries())) {
    auto read = config::opendkim::read_key_entry(entry.value);
    if (!read) {
      return fail(Fault::Config,
                  fmt::format("KeyTable entry for '{}' corrupt", entry.key));
    }
    if (read->domain == "%") continue;
    auto place = read->for_domain(read->domain);
    out.push_back({entry.key, place.domain, place.selector, place.key});
  }
  return out;
}

}  // namespace mail::opendkim_tools
