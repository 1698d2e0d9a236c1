#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/config/postfix/params.h"
#include "common/daemon/command.h"
#include "common/queue/source.h"
#include "common/queue/spool.h"
#include "tools/postcat/printer.h"

using namespace mail;

namespace {

constexpr daemon::Command kCommand{.name = "postcat"};
constexpr char kUsage[] =
    "usage: postcat [-b (body text)] [-c config_dir] [-d (decimal record "
    "type)] [-e (envelope records)] [-h (header text)] [-q (access queue)] "
    "[-v] [file(s)...]";

void print(queuefile::Source& source, std::string_view name,
           const postcat::Options& options) {
  postcat::Sink sink{
      .write = [](std::string_view text) { return write_all(1, text); },
      .warn = [](const std::string& text) { daemon::warning(text); }};
  auto done = postcat::print(source, name, options, sink);
  if (!done) daemon::fatal(done.error().what);
}

void print_file(int fd, std::string_view name,
                const postcat::Options& options) {
  struct stat st{};
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
    queue::FileSource source(fd);
    return print(source, name, options);
  }
  // A pipe cannot be read by position.
  std::string bytes;
  char buffer[65536];
  ssize_t n;
  while ((n = read(fd, buffer, sizeof buffer)) > 0) {
    bytes.append(buffer, static_cast<size_t>(n));
  }
  if (n < 0) {
    Result<> failure = fail_errno(fmt::format("close {}", name), errno);
    daemon::warning(failure.error().what);
    return;
  }
  queuefile::MemorySource source(bytes);
  print(source, name, options);
}

void print_queued(std::string_view id, const queue::Layout& layout,
                  const postcat::Options& options) {
  if (!queue::QueueId::valid(id)) {
    daemon::fatal(fmt::format("bad mail queue ID: {}", id));
  }
  for (auto queue : {queue::kMaildrop, queue::kIncoming, queue::kActive,
                     queue::kDeferred, queue::kHold, queue::kSaved}) {
    auto fd = queue::open(layout, queue, id, O_RDONLY);
    if (fd) return print_file(fd->get(), layout.path(queue, id), options);
    if (fd.error().sys != ENOENT) daemon::fatal(fd.error().what);
  }
  daemon::fatal(
      fmt::format("open queue file {}: No such file or directory", id));
}

queue::Layout enter_queue(const config::Settings& settings) {
  namespace param = config::param;
  const auto& spool = settings.get(param::queue_directory);
  if (chdir(spool.c_str()) != 0) {
    Result<> failure = fail_errno("chdir " + spool, errno);
    daemon::fatal(failure.error().what);
  }
  queue::Layout layout;
  layout.hash_names.clear();
  for (auto name : split(settings.get(param::hash_queue_names))) {
    layout.hash_names.emplace_back(name);
  }
  layout.hash_depth = static_cast<int>(settings.get(param::hash_queue_depth));
  return layout;
}

}  // namespace

int main(int argc, char** argv) {
  daemon::begin_command(kCommand);
  postcat::Options options;
  bool in_queue = false;
  int letter;
  while ((letter = getopt(argc, argv, "bc:dehoqs:v")) > 0) {
    switch (letter) {
      case 'b':
        options.body = true;
        break;
      case 'c':
        daemon::use_config_directory(optarg);
        break;
      case 'd':
        options.decimal = true;
        break;
      case 'e':
        options.envelope = true;
        break;
      case 'h':
        options.header = true;
        break;
      case 'o':
        options.offsets = true;
        break;
      case 'q':
        in_queue = true;
        break;
      case 's':
        options.start = parse_number<uint64_t>(optarg);
        if (!options.start)
          daemon::fatal(fmt::format("bad offset: {}", optarg));
        break;
      case 'v':
        options.names = true;
        break;
      default:
        daemon::fatal(kUsage);
    }
  }
  if (!options.body && !options.header && !options.envelope) {
    options.body = options.header = options.envelope = true;
  }
  auto settings = daemon::load_settings(kCommand);
  if (in_queue) {
    auto layout = enter_queue(*settings);
    for (int i = optind; i < argc; ++i) print_queued(argv[i], layout, options);
    return 0;
  }
  if (optind == argc) print_file(0, "stdin", options);
  for (int i = optind; i < argc; ++i) {
    auto fd = open_file(argv[i], O_RDONLY);
    if (!fd) daemon::fatal(fd.error().what);
    print_file(fd->get(), argv[i], options);
  }
}
