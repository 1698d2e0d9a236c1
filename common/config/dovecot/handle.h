#pragma once

namespace mail::config::dovecot {

// What a setting stands in: the root of the file, or one section.
struct Root;
struct Passdb;
struct Userdb;
struct Namespace;
struct Mailbox;
struct Service;
struct UnixListener;
struct FifoListener;
struct InetListener;
struct Metric;
struct EventExporter;

namespace setting {

// A handle is the index of a setting in its section's table; its type says
// what get() returns, and of which section it may be asked.
template <class Of>
struct Bool {  ///< bool
  int id;
};
template <class Of>
struct Uint {  ///< unsigned long; octal modes and ports too
  int id;
};
template <class Of>
struct Size {  ///< unsigned long, bytes; max(): unlimited
  int id;
};
template <class Of>
struct Time {  ///< std::chrono::seconds
  int id;
};
template <class Of>
struct TimeMs {  ///< std::chrono::milliseconds
  int id;
};
template <class Of>
struct String {  ///< const std::string&; %variables not yet expanded
  int id;
};
template <class Of>
struct Enum {  ///< const std::string&, one of the allowed words
  int id;
};

}  // namespace setting
}  // namespace mail::config::dovecot
