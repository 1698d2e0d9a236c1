// doveadm(1): everything an administrator asks of a Dovecot site.
#include <fmt/format.h>
#include <getopt.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "tools/doveadm/context.h"
#include "tools/doveadm/usage.h"

namespace mail::doveadm {

namespace {

std::vector<Command> all_commands() {
  std::vector<Command> out;
  for (auto list :
       {auth_commands(), house_commands(), login_commands(), mailbox_commands(),
        mailbox_status_commands(), mail_change_commands(),
        mail_index_commands(), mail_read_commands(), mail_save_commands(),
        quota_commands(), program_commands(), pw_commands(), user_commands()}) {
    out.insert(out.end(), list.begin(), list.end());
  }
  return out;
}

[[noreturn]] void show_usage(std::string_view group) {
  (void)write_all(STDERR_FILENO, usage_list(group));
  _exit(kUsage);
}

void take_globals(int argc, char** argv, Context& context) {
  optind = 1;
  while (true) {
    int letter = getopt(argc, argv, "+Dvf:c:o:i:");
    if (letter < 0) return;
    std::string value = optarg ? optarg : "";
    switch (letter) {
      case 'D':
        context.debug = context.verbose = true;
        break;
      case 'v':
        context.verbose = true;
        break;
      case 'c':
        context.config_path = value;
        break;
      case 'o': {
        size_t equals = value.find('=');
        if (equals == std::string::npos) {
          context.fatal("-o parameter is missing '=': " + value, kFatal);
        }
        context.overrides.emplace_back(value.substr(0, equals),
                                       value.substr(equals + 1));
        break;
      }
      case 'i':
        context.fatal("-i: instances are not built yet; use -c", kFatal);
      case 'f': {
        auto form = Printer::parse(value);
        if (!form) {
          (void)write_all(
              STDERR_FILENO,
              fmt::format("doveadm: Fatal: Unknown print formatter: {}\n",
                          value));
          _exit(kFailed);
        }
        context.printer.set_form(*form);
        context.form_chosen = true;
        break;
      }
      default:
        _exit(kFatal);
    }
  }
}

/// The longest name of a command that the words begin with; 0: none.
size_t words_of_command(const std::vector<std::string>& words,
                        std::string_view* name) {
  size_t best = 0;
  for (const auto& usage : usages()) {
    auto parts = split(usage.name, " ");
    if (parts.size() > words.size() || parts.size() <= best) continue;
    bool same = std::equal(parts.begin(), parts.end(), words.begin());
    if (!same) continue;
    best = parts.size();
    *name = usage.name;
  }
  return best;
}

bool has_plugin(Context& context, std::string_view name) {
  auto plugins = split(
      context.settings().get(config::dovecot::setting::mail_plugins), " ,");
  return std::find(plugins.begin(), plugins.end(), name) != plugins.end();
}

/// The commands of plugins are known by their first word.
void refuse_plugin(Context& context, const std::string& word) {
  constexpr std::string_view kPlugins[] = {"acl", "fts", "quota"};
  bool known = std::find(std::begin(kPlugins), std::end(kPlugins), word) !=
               std::end(kPlugins);
  if (!known) return;
  context.fatal(
      fmt::format("Unknown command '{0}', but plugin {0} exists. Try to set "
                  "mail_plugins={0}",
                  word));
}

int help(const std::vector<std::string>& words) {
  if (words.size() < 2) show_usage("");
  std::string page = "doveadm-" + words[1];
  execlp("man", "man", page.c_str(), nullptr);
  return kFailed;
}

int run(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  Context context;
  take_globals(argc, argv, context);
  std::vector<std::string> words(argv + optind, argv + argc);
  if (words.empty()) show_usage("");
  if (words[0] == "help") return help(words);
  std::string_view name;
  size_t count = words_of_command(words, &name);
  if (count == 0 && words[0] == "quota" && has_plugin(context, words[0])) {
    bool get = words.size() > 1 && words[1] == "get";
    if (!get && (words.size() < 2 || words[1] != "recalc")) {
      show_usage(words[0]);
    }
    name = get ? "quota get" : "quota recalc";
    count = 2;
  }
  if (count == 0) refuse_plugin(context, words[0]);
  if (count == 0) show_usage(is_group(words[0]) ? words[0] : "");
  context.command = name;
  context.arguments.assign(words.begin() + static_cast<long>(count) - 1,
                           words.end());
  for (const auto& command : all_commands()) {
    if (command.name != name) continue;
    context.leave(command.run(context));
  }
  context.fatal(fmt::format("doveadm {} is not built yet", name));
}

}  // namespace

}  // namespace mail::doveadm

int main(int argc, char** argv) { return mail::doveadm::run(argc, argv); }
