#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/process/host_facts.h"
#include "tools/postconf/edit.h"
#include "tools/postconf/lists.h"
#include "tools/postconf/model.h"
#include "tools/postconf/options.h"
#include "tools/postconf/show.h"

namespace mail::postconf {

namespace {

const char* program = "postconf";
constexpr size_t kHeap = 640 << 10;  // what all parameters take

void say(std::string_view kind, std::string_view text) {
  (void)write_all(
      2,
      std::string(program).append(": ").append(kind).append(text).append("\n"));
}
const config::FileReader kReader = [](const std::string& path) {
  return read_file(path);
};
void warn(std::string_view text) { say("warning: ", text); }

/// Replaces PATH through PATH.tmp, which also is the lock against another
/// postconf.
Result<> rewrite(const std::string& path, const Options& options, bool master) {
  std::string temporary = path + ".tmp";
  UniqueFd fd = TRY(open_file(temporary, O_CREAT | O_WRONLY, 0600));
  if (flock(fd.get(), LOCK_EX) != 0) {
    return fail_errno("lock " + temporary, errno);
  }
  std::string text = TRY(read_file(path));
  auto result = master ? edit_master(text, path, options, warn)
                       : edit_main(text, path, options, warn);
  if (!result) {
    (void)unlink(temporary.c_str());
    return fail(result.error());
  }
  std::string edited = std::move(*result);
  struct stat old{};
  if (stat(path.c_str(), &old) != 0) return fail_errno("stat " + path, errno);
  if (ftruncate(fd.get(), 0) != 0) {
    return fail_errno("truncate " + temporary, errno);
  }
  TRY(write_all(fd.get(), edited));
  if (fchmod(fd.get(), old.st_mode & 07777) != 0 || fsync(fd.get()) != 0) {
    return fail_errno("write " + temporary, errno);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return fail_errno("rename " + temporary + " to " + path, errno);
  }
  return sync_directory_of(path);
}

Result<> edit(const Options& options, const std::string& directory) {
  bool master = options.has('M') || options.has('F') || options.has('P');
  if (options.args.empty()) {
    return fail(Fault::Config, options.has('e')
                                   ? "-e requires name=value argument"
                                   : "missing service argument");
  }
  return rewrite(directory + (master ? "/master.cf" : "/main.cf"), options,
                 master);
}

Result<std::string> show(const Model& model, const Options& options) {
  if (options.has('M')) return show_master(model, options, warn);
  if (options.has('F')) return show_fields(model, options, warn);
  if (options.has('P')) return show_overrides(model, options, warn);
  return show_params(model, options, warn);
}

Result<> run(Options& options) {
  if (const char* directory = getenv("MAIL_CONFIG");
      directory != nullptr && options.config_directory.empty()) {
    options.config_directory = directory;
  }
  std::string directory = options.config_directory.empty()
                              ? "/etc/postfix"
                              : options.config_directory;
  if (options.has('t') || options.has('b')) {
    program = "postfix/bounce";  // who speaks in the original
    config::LoadArgs load{.config_directory = directory,
                          .overrides = options.overrides,
                          .process_name = "bounce",
                          .process_id = getpid(),
                          .host = process::host_facts(),
                          .read = kReader,
                          .warn = warn,
                          .check_accounts = false};
    return write_all(1, TRY(show_templates(options, load)));
  }
  for (char letter : {'m', 'l', 'a', 'A', 'T'}) {
    if (options.has(letter)) return write_all(1, TRY(show_list(options)));
  }
  if (options.edits()) return edit(options, directory);
  Model model = TRY(Model::load(options, process::host_facts(), kReader, warn));
  bool master = options.has('M') || options.has('F') || options.has('P');
  std::string shown = TRY(show(model, options));
  TRY(write_all(1, shown));
  for (const std::string& text : model.unused(master)) warn(text);
  return {};
}

}  // namespace
}  // namespace mail::postconf

int main(int argc, char** argv) {
  using namespace mail;
  prepare_command(postconf::kHeap);
  if (argc > 0) postconf::program = argv[0];
  std::string invalid;
  auto options = postconf::parse_options(argc, argv, invalid);
  if (!invalid.empty()) (void)write_all(2, invalid + "\n");
  auto result =
      options ? postconf::run(*options) : Result<>(fail(options.error()));
  if (result) return 0;
  bool unknown_mode = options && options->has('T');
  postconf::say(unknown_mode ? "warning: " : "fatal: ", result.error().what);
  return 1;
}
