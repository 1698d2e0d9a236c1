#pragma once

namespace mail::config {

/// smtp(8) reads smtp_NAME, the same program run as lmtp(8) lmtp_NAME.
enum class ClientMode { Smtp, Lmtp };

namespace param {

// A handle is the index of a parameter in the sorted table; its type says
// what Settings::get() returns.
struct Bool {  ///< bool
  int id;
};
struct Int {  ///< long
  int id;
};
struct Time {  ///< std::chrono::seconds
  int id;
};
struct String {  ///< const std::string&; lists, enums, paths, raw texts too
  int id;
};

/// Two handles of one kind for the SMTP and LMTP client.
template <class Kind>
struct Pair {
  Kind smtp, lmtp;
  constexpr Kind in(ClientMode mode) const {
    return mode == ClientMode::Smtp ? smtp : lmtp;
  }
};

}  // namespace param
}  // namespace mail::config
