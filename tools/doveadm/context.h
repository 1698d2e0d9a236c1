#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/dovecot/settings.h"
#include "common/net/loop.h"
#include "tools/doveadm/print.h"

namespace mail::doveadm {

/// Exit statuses (sysexits(3), and Dovecot's own).
constexpr int kOk = 0, kUsage = 64, kDataExists = 65, kNoUser = 67,
              kNotFound = 68, kCannotCreate = 73, kFailed = 75,
              kNoPermission = 77, kConfig = 78, kFatal = 89;

/// One run of a command.
class Context {
 public:
  // Of the words in front of the command.
  bool debug = false, verbose = false;
  std::string config_path = "/etc/dovecot/dovecot.conf";
  std::vector<std::pair<std::string, std::string>> overrides;  ///< -o
  bool form_chosen = false;                                    ///< -f
  Printer printer{Printer::Form::Flow};

  std::string command;                 ///< "auth test"
  std::vector<std::string> arguments;  ///< [0]: its last word, "test"

  /// The form of a command that was given none by -f.
  void default_form(Printer::Form form) {
    if (!form_chosen) printer.set_form(form);
  }
  /// Settings of protocol doveadm, with -o. Read at the first call; ends the
  /// process when they cannot be read.
  const config::dovecot::Settings& settings();
  config::dovecot::SettingsPtr settings_snapshot();
  /// A socket by its setting or option: absolute, or under base_dir.
  std::string socket_path(std::string_view name);
  net::Loop& loop();

  /// To standard output, behind what the printer has.
  void print(std::string_view text);
  /// "Error: TEXT" to standard error.
  void error(std::string_view text);
  /// "Fatal: TEXT", and the end with `status`.
  [[noreturn]] void fatal(std::string_view text, int status = kFailed);
  /// The command's usage, and the end.
  [[noreturn]] void usage();
  /// Writes all, and ends.
  [[noreturn]] void leave(int status);
  void flush();

 private:
  config::dovecot::SettingsPtr settings_;
  std::unique_ptr<net::Loop> loop_;
};

/// getopt(3) over a command's arguments; options stand in front unless told.
/// An unknown option is complained of and ends the process.
class Options {
 public:
  enum class Place { InFront, Anywhere };
  Options(Context& context, std::string letters, Place place = Place::InFront);
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  /// The next letter, or 0 when there is none.
  int next();
  std::string value() const;
  /// What follows the options.
  std::vector<std::string> rest() const;

 private:
  Context& context_;
  std::string letters_;
  std::vector<char*> argv_;
};

/// dovecot(1)'s master. Ends the process when nobody is there.
pid_t master_pid(Context& context);

/// A command that is built.
struct Command {
  std::string_view name;  ///< "auth test", as in usages()
  int (*run)(Context&);   ///< the exit status
};

// Each file of commands has its list.
std::vector<Command> auth_commands();
std::vector<Command> house_commands();
std::vector<Command> login_commands();
std::vector<Command> mailbox_commands();
std::vector<Command> mailbox_status_commands();
std::vector<Command> mail_change_commands();
std::vector<Command> mail_index_commands();
std::vector<Command> mail_read_commands();
std::vector<Command> mail_save_commands();
std::vector<Command> program_commands();
std::vector<Command> quota_commands();
std::vector<Command> pw_commands();
std::vector<Command> user_commands();

}  // namespace mail::doveadm
