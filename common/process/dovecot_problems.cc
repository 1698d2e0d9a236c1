#include "common/process/dovecot_problems.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace mail::process {

using config::dovecot::Problem;

namespace {

std::string warnings(std::string_view program,
                     const std::vector<Problem>& problems) {
  std::string out;
  bool told = false;
  for (const auto& problem : problems) {
    if (problem.kind != Problem::Kind::Warning) continue;
    if (problem.obsolete && !told) {
      told = true;
      out += fmt::format(
          "{}: Warning: NOTE: You can get a new clean config file with: "
          "doveconf -Pn > dovecot-new.conf\n",
          program);
    }
    out += fmt::format("{}: Warning: {}\n", program, problem.message());
  }
  return out;
}

std::string errors(std::string_view program,
                   const std::vector<Problem>& problems) {
  std::vector<const Problem*> all;
  for (const auto& problem : problems) {
    if (problem.kind == Problem::Kind::Error) all.push_back(&problem);
  }
  if (all.empty()) return "";
  std::string out;
  for (const auto* problem : all) {
    // One plain error needs no list.
    if (all.size() == 1 && problem->hint.empty() && !problem->late) break;
    if (problem->late) {
      out += fmt::format("{}: Error: {}\n", program, problem->text);
      continue;
    }
    out += fmt::format("{}: Error: {}{}{}{}\n", program, problem->message(),
                       problem->hint.empty() ? "" : " (", problem->hint,
                       problem->hint.empty() ? "" : ")");
  }
  return out + fmt::format("{}: Fatal: {}\n", program, all.front()->message());
}

}  // namespace

std::string problem_text(std::string_view program,
                         const std::vector<Problem>& problems,
                         ProblemStage stage) {
  return stage == ProblemStage::Warnings ? warnings(program, problems)
                                         : errors(program, problems);
}

void report_problems(std::string_view program,
                     const std::vector<Problem>& problems, ProblemStage stage) {
  write_stderr(problem_text(program, problems, stage));
}

bool has_early_error(const std::vector<Problem>& problems) {
  return std::any_of(problems.begin(), problems.end(), [](const Problem& p) {
    return p.kind == Problem::Kind::Error && !p.late;
  });
}

void write_stderr(std::string_view text) {
  [[maybe_unused]] auto n = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace mail::process
