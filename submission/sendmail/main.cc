// sendmail(1), mailq(1), newaliases(1): the old names of everything.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/daemon/caller.h"
#include "common/daemon/command.h"
#include "common/process/ids.h"
#include "submission/sendmail/submit.h"

namespace mail::sendmail {

namespace param = config::param;

namespace {

constexpr daemon::Command kCommand{.name = "sendmail", .fatal_status = 75};
constexpr size_t kReadSize = 65536;

Caller who_calls() {
  Caller caller;
  caller.uid = getuid();
  caller.name = fmt::to_string(caller.uid);
  auto user = process::find_account(getuid());
  if (user && *user) {
    caller.name = (*user)->name;
    std::string_view gecos = (*user)->full_name;
    gecos = gecos.substr(0, gecos.find(','));
    // An ampersand stands for the login name, capitalised.
    for (char c : gecos) {
      if (c != '&') {
        caller.full_name += c;
        continue;
      }
      std::string name = caller.name;
      if (!name.empty()) name[0] = to_upper(name[0]);
      caller.full_name += name;
    }
  }
  if (const char* name = getenv("NAME"); name && *name) caller.full_name = name;
  return caller;
}

[[noreturn]] void fatal(const Caller& caller, std::string_view text) {
  daemon::fatal(fmt::format("{}({}): {}", caller.name, caller.uid, text));
}

LineEndings line_endings(const config::Settings& settings) {
  const std::string& value = settings.get(param::sendmail_fix_line_endings);
  return value == "strict"  ? LineEndings::Strict
         : value == "never" ? LineEndings::Never
                            : LineEndings::Always;
}

/// What is sent for -bv: a message that nobody will read.
std::string probe_text(const Options& options, const Caller& caller) {
  std::string text = fmt::format("From: {}\nSubject: probe\nTo:", caller.name);
  for (size_t i = 0; i < options.recipients.size(); ++i) {
    text += fmt::format("{}\n\t{}", i ? "," : "", options.recipients[i]);
  }
  return text + "\n";
}

void send_input(Postdrop& postdrop, ContentWriter& content,
                const Caller& caller) {
  std::string buffer(kReadSize, '\0'), out;
  while (!content.ended()) {
    ssize_t n = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      fatal(caller, fmt::format("error reading input: {}", strerror(errno)));
    }
    if (n == 0) break;
    content.receive({buffer.data(), static_cast<size_t>(n)}, out);
    // An error here shows in the verdict, with its reason.
    if (auto sent = postdrop.write(out); !sent) return;
    out.clear();
  }
  content.finish(out);
  (void)postdrop.write(out);
}

void authorize(const config::Settings& settings) {
  daemon::authorize_caller(settings, param::authorized_submit_users,
                           "submit mail", daemon::Superuser::AsListed);
}

int deliver(const Options& options, const config::Settings& settings) {
  authorize(settings);
  Caller caller = who_calls();
  bool verify = options.mode == Mode::Verify;
  if (verify && options.extract) {
    daemon::fatal("-t option cannot be used with -bv");
  }
  std::vector<std::string> warnings;
  auto envelope = envelope_records(options, caller, warnings);
  if (!envelope) fatal(caller, envelope.error().what);
  for (const auto& text : warnings) daemon::warning(text);
  if (options.recipients.empty() && !options.extract) {
    fatal(caller,
          "Recipient addresses must be specified on the command line or via "
          "the -t option");
  }
  auto postdrop =
      Postdrop::start(settings.get(param::command_directory) + "/postdrop");
  if (!postdrop) fatal(caller, postdrop.error().what);
  (void)postdrop->write(*envelope);
  ContentWriter content(
      options, line_endings(settings),
      static_cast<size_t>(settings.get(param::line_length_limit)));
  if (verify) {
    std::string out;
    content.receive(probe_text(options, caller), out);
    content.finish(out);
    (void)postdrop->write(out);
  } else {
    send_input(*postdrop, content, caller);
  }
  auto extracted = content.recipients();
  if (options.extract && extracted.empty() && options.recipients.empty()) {
    fatal(caller, "No recipient addresses found in message header");
  }
  std::string end;
  append_end(options, options.extract ? extracted : std::vector<std::string>(),
             end);
  (void)postdrop->write(end);
  if (auto done = postdrop->finish(); !done) {
    // Whose mail it was to be says more of what is refused.
    caller.name = options.sender.value_or(caller.name);
    if (caller.name == "<>") caller.name.clear();
    fatal(caller, done.error().what);
  }
  if (verify || options.verbose == 1) {
    fmt::print("Mail Delivery Status Report will be mailed to <{}>.\n",
               options.sender.value_or(caller.name));
  }
  return 0;
}

[[noreturn]] void run(const std::string& path,
                      std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  execv(path.c_str(), pointers.data());
  daemon::fatal(fmt::format("execute {}: {}", path, strerror(errno)));
}

int new_aliases(const Options& options, const config::Settings& settings) {
  std::string list = options.alias_table.empty()
                         ? settings.get(param::alias_database)
                         : options.alias_table;
  std::vector<std::string> arguments = {"postalias"};
  for (std::string_view table : split_braced(list)) {
    arguments.emplace_back(table);
  }
  if (arguments.size() == 1) return 0;
  run(settings.get(param::command_directory) + "/postalias",
      std::move(arguments));
}

void refuse_recipients(const Options& options, std::string_view mode) {
  if (options.extract) daemon::fatal("-t can be used only in delivery mode");
  if (!options.recipients.empty()) {
    daemon::fatal(fmt::format("{} mode requires no recipient", mode));
  }
}

int act(const Options& options, const config::Settings& settings) {
  std::string postqueue = settings.get(param::command_directory) + "/postqueue";
  const std::string& daemons = settings.get(param::daemon_directory);
  switch (options.mode) {
    case Mode::Deliver:
    case Mode::Verify:
      return deliver(options, settings);
    case Mode::ListQueue:
      refuse_recipients(options, "display queue");
      run(postqueue, {"postqueue", "-p"});
    case Mode::FlushQueue:
      refuse_recipients(options, "flush queue");
      run(postqueue, {"postqueue", "-f"});
    case Mode::FlushSite:
      run(postqueue, {"postqueue", "-s", options.flush_what});
    case Mode::FlushId:
      run(postqueue, {"postqueue", "-i", options.flush_what});
    case Mode::NewAliases:
      refuse_recipients(options, "alias initialization");
      return new_aliases(options, settings);
    case Mode::Smtp:
      authorize(settings);
      refuse_recipients(options, "stand-alone");
      run(daemons + "/smtpd", {"smtpd", "-S"});
    case Mode::Daemon:
      run(settings.get(param::command_directory) + "/postfix",
          {"postfix", "start"});
    case Mode::Ignore:
      return 0;
  }
  return 0;
}

}  // namespace

}  // namespace mail::sendmail

int main(int argc, char** argv) {
  using namespace mail;
  daemon::begin_command(sendmail::kCommand);
  auto options = sendmail::parse_options(argc, argv);
  if (!options) daemon::fatal(options.error().what);
  for (const auto& text : options->warnings) daemon::warning(text);
  if (!options->config_directory.empty()) {
    daemon::use_config_directory(options->config_directory);
  }
  auto settings = daemon::load_settings(sendmail::kCommand);
  return sendmail::act(*options, *settings);
}
