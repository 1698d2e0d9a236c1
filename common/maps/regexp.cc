#include <fmt/core.h>
#include <regex.h>

#include <array>

#include "common/maps/pattern_table.h"

namespace mail::maps {
namespace {

class PosixExpression : public Expression {
 public:
  PosixExpression() = default;
  PosixExpression(const PosixExpression&) = delete;
  PosixExpression& operator=(const PosixExpression&) = delete;
  ~PosixExpression() override {
    if (compiled_) ::regfree(&regex_);
  }

  Result<> compile(const std::string& pattern, int flags) {
    int error = ::regcomp(&regex_, pattern.c_str(), flags);
    if (error != 0) {
      std::array<char, 256> text{};
      ::regerror(error, &regex_, text.data(), text.size());
      return fail(Fault::Config, text.data());
    }
    compiled_ = true;
    spans_.resize(regex_.re_nsub + 1);
    return {};
  }
  size_t groups() const override { return regex_.re_nsub; }
  bool matches(std::string_view text) override {
    text_ = text;
    // REG_STARTEND: the text need not end with a NUL.
    spans_[0].rm_so = 0;
    spans_[0].rm_eo = static_cast<regoff_t>(text.size());
    return ::regexec(&regex_, text.data(), spans_.size(), spans_.data(),
                     REG_STARTEND) == 0;
  }
  std::string_view group(size_t n) const override {
    const regmatch_t& span = spans_[n];
    if (span.rm_so < 0) return {};
    return text_.substr(static_cast<size_t>(span.rm_so),
                        static_cast<size_t>(span.rm_eo - span.rm_so));
  }

 private:
  regex_t regex_{};
  bool compiled_ = false;
  std::string_view text_;
  std::vector<regmatch_t> spans_;
};

Result<std::unique_ptr<Expression>> compile_posix(const RuleText& rule) {
  int flags = REG_EXTENDED | REG_ICASE;
  for (char option : rule.options) {
    if (option == 'i') {
      flags ^= REG_ICASE;
    } else if (option == 'x') {
      flags ^= REG_EXTENDED;
    } else if (option == 'm') {
      flags ^= REG_NEWLINE;
    } else {
      return fail(
          Fault::Config,
          fmt::format("unknown regexp option \"{}\": skipping this rule",
                      option));
    }
  }
  auto expression = std::make_unique<PosixExpression>();
  TRY(expression->compile(rule.pattern, flags));
  return std::unique_ptr<Expression>(std::move(expression));
}

}  // namespace

Opened open_regexp(const std::string& name, const OpenOptions& options) {
  TRY(read_only("regexp:" + name, options));
  auto table =
      std::make_unique<PatternTable>("regexp", name, options, compile_posix);
  TRY(table->load());
  return Opened(std::move(table));
}

}  // namespace mail::maps
