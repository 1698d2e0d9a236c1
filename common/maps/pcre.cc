#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/core.h>
#include <pcre2.h>

#include <array>

#include "common/base/handle.h"
#include "common/maps/pattern_table.h"

namespace mail::maps {
namespace {

using Code = Handle<pcre2_code, pcre2_code_free>;
using MatchData = Handle<pcre2_match_data, pcre2_match_data_free>;

class PcreExpression : public Expression {
 public:
  explicit PcreExpression(Code code)
      : code_(std::move(code)),
        data_(pcre2_match_data_create_from_pattern(code_.get(), nullptr)) {
    // Faster; where the sandbox forbids it the interpreter serves.
    pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);
    uint32_t count = 0;
    pcre2_pattern_info(code_.get(), PCRE2_INFO_CAPTURECOUNT, &count);
    groups_ = count;
  }
  size_t groups() const override { return groups_; }
  bool matches(std::string_view text) override {
    text_ = text;
    auto bytes = reinterpret_cast<PCRE2_SPTR>(text.data());
    matched_ = pcre2_match(code_.get(), bytes, text.size(), 0, 0, data_.get(),
                           nullptr);
    return matched_ > 0;  // too much backtracking counts as no match
  }
  std::string_view group(size_t n) const override {
    if (static_cast<int>(n) >= matched_) return {};
    const size_t* spans = pcre2_get_ovector_pointer(data_.get());
    size_t from = spans[2 * n], to = spans[2 * n + 1];
    if (from == PCRE2_UNSET || to < from) return {};
    return text_.substr(from, to - from);
  }

 private:
  Code code_;
  MatchData data_;
  size_t groups_ = 0;
  int matched_ = 0;
  std::string_view text_;
};

struct Option {
  char letter;
  uint32_t flag;
};
constexpr Option kOptions[] = {
    {'i', PCRE2_CASELESS}, {'m', PCRE2_MULTILINE},
    {'s', PCRE2_DOTALL},   {'x', PCRE2_EXTENDED},
    {'A', PCRE2_ANCHORED}, {'E', PCRE2_DOLLAR_ENDONLY},
    {'U', PCRE2_UNGREEDY}, {'X', 0},
};

Result<std::unique_ptr<Expression>> compile_with(const RuleText& rule,
                                                 uint32_t flags) {
  for (char letter : rule.options) {
    bool known = false;
    for (const Option& option : kOptions) {
      if (option.letter != letter) continue;
      flags ^= option.flag;
      known = true;
    }
    if (known) continue;
    return fail(Fault::Config,
                fmt::format("unknown regexp option \"{}\": skipping this rule",
                            letter));
  }
  int error = 0;
  size_t offset = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(rule.pattern.data()),
                          rule.pattern.size(), flags, &error, &offset,
                          nullptr));
  if (code == nullptr) {
    std::array<unsigned char, 256> text{};
    pcre2_get_error_message(error, text.data(), text.size());
    return fail(Fault::Config,
                fmt::format("error in regex at offset {}: {}", offset,
                            reinterpret_cast<const char*>(text.data())));
  }
  return std::unique_ptr<Expression>(
      std::make_unique<PcreExpression>(std::move(code)));
}

Result<std::unique_ptr<Expression>> compile(const RuleText& rule) {
  return compile_with(rule, PCRE2_CASELESS | PCRE2_DOTALL);
}
Result<std::unique_ptr<Expression>> compile_utf8(const RuleText& rule) {
  return compile_with(rule, PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_UTF);
}

}  // namespace

Opened open_pcre(const std::string& name, const OpenOptions& options) {
  TRY(read_only("pcre:" + name, options));
  bool utf8 = (options.flags & flag::kUtf8Request) != 0;
  auto table = std::make_unique<PatternTable>("pcre", name, options,
                                              utf8 ? compile_utf8 : compile);
  TRY(table->load());
  return Opened(std::move(table));
}

}  // namespace mail::maps
