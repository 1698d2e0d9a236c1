#pragma once

#include <string>
#include <string_view>

namespace mail::dkim_milter {

enum class Priority { Error, Warning, Notice, Info, Debug };

/// The lines of this process to syslog(3), which threads may share; bytes
/// that are not printable become '?'. Until open_log() and with Syslog no,
/// nothing is said.
/// name: ident; facility: as SyslogFacility, an unknown one is mail.
void open_log(const std::string& name, const std::string& facility);
void close_log();
bool log_is_open();
void log_line(Priority priority, std::string_view text);
/// Also "opendkim: TEXT" on standard error while there is one: for what stops
/// the start.
void complain(std::string_view text);
void set_stderr(bool usable);

}  // namespace mail::dkim_milter
