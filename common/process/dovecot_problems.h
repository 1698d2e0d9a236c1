#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/dovecot/configuration.h"

namespace mail::process {

enum class ProblemStage { Warnings, Errors };

/// What is wrong with a configuration, on standard error, as "PROGRAM: Error:
/// ...". All errors, each with what is allowed; the last line is the original's
/// one: "PROGRAM: Fatal: Error in configuration file F line N: TEXT", of the
/// first error.
void report_problems(std::string_view program,
                     const std::vector<config::dovecot::Problem>& problems,
                     ProblemStage stage);
/// The same as text, line by line.
std::string problem_text(std::string_view program,
                         const std::vector<config::dovecot::Problem>& problems,
                         ProblemStage stage);

/// An error of the language, not one of the checks at the end.
bool has_early_error(const std::vector<config::dovecot::Problem>& problems);

void write_stderr(std::string_view text);

}  // namespace mail::process
