#pragma once

#include <string>
#include <string_view>

namespace mail::log {

/// Where the lines of this process go, and what stands before them.
struct Config {
  std::string tag = "postfix";  ///< $syslog_name; the ident is TAG/PROCESS
  std::string process;          ///< "smtpd"
  std::string facility = "mail";
  /// Not empty: lines go as datagrams to this socket (postlog(8)) with time
  /// and host name in front, instead of to syslog.
  std::string postlog_socket;
  std::string hostname;  ///< first label of $myhostname, for postlog
  /// Not empty: append to this file when postlog does not answer, or always
  /// (postlogd itself, master before it runs).
  std::string file;
  bool file_only = false;
  bool to_stderr = false;   ///< also "PROCESS: warning: text" there
  std::string stderr_name;  ///< not empty: instead of PROCESS
  /// Not empty: the whole ident, instead of TAG/PROCESS (postlog -t).
  std::string ident;
  bool with_pid = true;  ///< "[123]" behind the ident
  bool utf8 = true;      ///< well-formed UTF-8 passes; else it becomes '?'
};

enum class Level { Info, Warning, Error, Fatal, Panic, Debug };

/// Where all lines go instead of syslog and files (log/dovecot.h); nullptr: as
/// the configuration says.
using Sink = void (*)(Level level, std::string_view text);
void set_sink(Sink sink);

/// Opens the sinks; again with another configuration replaces them. Before
/// chroot: the syslog socket stays connected inside, and is connected anew by
/// its path in the jail (/dev/log) when the syslog daemon was restarted.
void open(Config config);
const Config& config();

/// One line in Postfix's shape (`warning: ` and so on in front), cut at 2000
/// bytes, bytes that are not printable become '?'. Never blocks for long:
/// without a log daemon lines are lost, as with syslog(3).
void line(Level level, std::string_view text);
inline void info(std::string_view text) { line(Level::Info, text); }
inline void debug(std::string_view text) { line(Level::Debug, text); }
inline void warning(std::string_view text) { line(Level::Warning, text); }
inline void error(std::string_view text) { line(Level::Error, text); }
/// Logs, waits a second (a supervisor must not be busy restarting us), exits
/// with status 1.
[[noreturn]] void fatal(std::string_view text);
/// The same with another exit status (commands); fatal() uses it too then.
[[noreturn]] void fatal_with_status(std::string_view text, int status);
void set_fatal_status(int status);
/// For our own bugs: logs, waits, aborts.
[[noreturn]] void panic(std::string_view text);

/// fatal() and panic() wait so long (1 s unless told); tests set 0.
void set_fatal_delay(unsigned milliseconds);

/// LOG_MAIL and so on; -1: no such facility (syslog_facility).
int facility_number(std::string_view name);

/// "Nov 24 03:17:34", day with a zero (as postlog's lines), local time.
std::string timestamp(long seconds);

}  // namespace mail::log
