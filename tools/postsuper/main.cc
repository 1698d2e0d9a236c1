#include <fmt/core.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/daemon/command.h"
#include "common/process/ids.h"
#include "tools/postsuper/request.h"

using namespace mail;

namespace {

constexpr daemon::Command kCommand{.name = "postsuper"};

queue::Layout layout_of(const config::Settings& settings) {
  namespace param = config::param;
  queue::Layout layout;
  layout.hash_names.clear();
  for (auto name : split(settings.get(param::hash_queue_names))) {
    layout.hash_names.emplace_back(name);
  }
  layout.hash_depth = static_cast<int>(settings.get(param::hash_queue_depth));
  layout.id_form = settings.get(param::enable_long_queue_ids)
                       ? queue::IdForm::Long
                       : queue::IdForm::Short;
  return layout;
}

/// What we make and move must be the mail system's.
void become_owner(const std::string& owner) {
  auto user = process::find_user(owner);
  if (!user) daemon::fatal(user.error().what);
  if (!*user) daemon::fatal(fmt::format("unknown user: {}", owner));
  auto done = process::become_for_good(**user);
  if (!done) daemon::fatal(done.error().what);
}

}  // namespace

int main(int argc, char** argv) {
  daemon::begin_command(kCommand);
  auto request = postsuper::parse(argc, argv);
  if (!request) daemon::fatal(request.error().what);
  if (getuid() != 0) {
    daemon::fatal("use of this command is reserved for the superuser");
  }
  if (!request->config_directory.empty()) {
    daemon::use_config_directory(request->config_directory);
  }
  auto settings = daemon::load_settings(kCommand);
  const auto& spool = settings->get(config::param::queue_directory);
  if (chdir(spool.c_str()) != 0) {
    Result<> failure = fail_errno("chdir " + spool, errno);
    daemon::fatal(failure.error().what);
  }
  become_owner(settings->get(config::param::mail_owner));
  postsuper::Voice voice{
      .info = [](const std::string& text) { daemon::info(text); },
      .warn = [](const std::string& text) { daemon::warning(text); },
      .error = [](const std::string& text) { daemon::error(text); }};
  auto done = postsuper::run(layout_of(*settings), *request, voice);
  if (!done) daemon::fatal(done.error().what);
}
