#pragma once

#include <sys/types.h>

#include <string_view>

namespace mail::master::log_lines {

void started(std::string_view config_directory);
void reloaded(std::string_view config_directory);
void terminating(int signal_number);
/// wait_status: of waitpid(2).
void child_failed(std::string_view program, pid_t pid, int wait_status);
void bad_startup(std::string_view program);
void fork_failed(int error);
/// place: the port, or the name once more.
void limit_reached(std::string_view service, std::string_view place,
                   long limit);
/// A main.cf parameter that cannot change while running.
void change_ignored(std::string_view name, std::string_view before,
                    std::string_view now);
/// main.cf sets what this version does not have.
void not_built(std::string_view file, int line, std::string_view name);

}  // namespace mail::master::log_lines
