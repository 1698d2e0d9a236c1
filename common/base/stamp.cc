#include "common/base/stamp.h"

#include <fmt/format.h>

#include <string_view>

namespace mail {

namespace {
constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr char kWeekdays[] = "SunMonTueWedThuFriSat";

std::string_view third(const char* names, int index) {
  return {names + 3 * index, 3};
}
}  // namespace

std::string stamp(const tm& local, char pad) {
  std::string out =
      fmt::format("{} {:2} {:02}:{:02}:{:02}", third(kMonths, local.tm_mon),
                  local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
  if (local.tm_mday < 10) out[4] = pad;
  return out;
}

std::string full_stamp(const tm& local) {
  return fmt::format("{} {} {}", third(kWeekdays, local.tm_wday), stamp(local),
                     local.tm_year + 1900);
}

}  // namespace mail
