#pragma once

#include <string>

namespace mail::maps {

/// Postfix's dictionary flags, as they travel to proxymap(8).
namespace flag {
inline constexpr int kDupWarn = 0x1;
inline constexpr int kDupIgnore = 0x2;
inline constexpr int kTry0Null = 0x4;  ///< keys without a trailing NUL
inline constexpr int kTry1Null = 0x8;  ///< keys with one
inline constexpr int kFixed = 0x10;    ///< takes partial keys
inline constexpr int kPattern = 0x20;  ///< sees only whole keys
inline constexpr int kLock = 0x40;
inline constexpr int kDupReplace = 0x80;
inline constexpr int kSyncUpdate = 0x100;
inline constexpr int kDebug = 0x200;
inline constexpr int kNoRegsub = 0x800;    ///< refuse $number results
inline constexpr int kNoProxy = 0x1000;    ///< refuse proxy:
inline constexpr int kNoUnauth = 0x2000;   ///< refuse unauthenticated servers
inline constexpr int kFoldFix = 0x4000;    ///< fold keys of fixed tables
inline constexpr int kFoldMul = 0x8000;    ///< fold keys of pattern tables
inline constexpr int kOpenLock = 0x10000;  ///< locked from open to close
inline constexpr int kBulk = 0x20000;
inline constexpr int kMultiWriter = 0x40000;
inline constexpr int kUtf8Request = 0x80000;
inline constexpr int kUtf8Active = 0x100000;
inline constexpr int kRhsIsFile = 0x200000;
/// What a daemon asks for in most cases.
inline constexpr int kDefault = kLock | kFoldFix;
}  // namespace flag

/// "lock|fold_fix|utf8_request"; "0" for none.
std::string flags_text(int flags);

}  // namespace mail::maps
