#include "common/maps/flags.h"

#include <iterator>
#include <string_view>

namespace mail::maps {
namespace {

struct Name {
  int bit;
  std::string_view name;
};
constexpr Name kNames[] = {
    {flag::kDupWarn, "warn_dup"},
    {flag::kDupIgnore, "ignore_dup"},
    {flag::kTry0Null, "try0null"},
    {flag::kTry1Null, "try1null"},
    {flag::kFixed, "fixed"},
    {flag::kPattern, "pattern"},
    {flag::kLock, "lock"},
    {flag::kDupReplace, "replace"},
    {flag::kSyncUpdate, "sync_update"},
    {flag::kDebug, "debug"},
    {flag::kNoRegsub, "no_regsub"},
    {flag::kNoProxy, "no_proxy"},
    {flag::kNoUnauth, "no_unauth"},
    {flag::kFoldFix, "fold_fix"},
    {flag::kFoldMul, "fold_mul"},
    {flag::kOpenLock, "open_lock"},
    {flag::kBulk, "bulk_update"},
    {flag::kMultiWriter, "multi_writer"},
    {flag::kUtf8Request, "utf8_request"},
    {flag::kUtf8Active, "utf8_active"},
    {flag::kRhsIsFile, "src_rhs_is_file"},
};

}  // namespace

std::string flags_text(int flags) {
  std::string text;
  for (const Name& each : kNames) {
    if ((flags & each.bit) == 0) continue;
    if (!text.empty()) text += '|';
    text += each.name;
  }
  return text.empty() ? "0" : text;
}

}  // namespace mail::maps
