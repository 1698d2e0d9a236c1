#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "authd/request.h"
#include "common/base/result.h"

namespace mail::authd {

/// One line of a passwd-file: user:password:uid:gid:(gecos):home:(shell):extra
struct PasswdEntry {
  std::string password;  ///< as written, "{SCHEME}" too; may be empty
  std::string uid, gid, home;
  std::vector<std::string> extra;  ///< "name=value", not expanded
  bool has_userdb = false;         ///< uid and gid fields are there
};

/// What is wrong with a line; it goes to the log.
struct PasswdProblem {
  std::string user, text;  ///< text: "has invalid UID '0'"
};

/// The text of such a file. Lines that are wrong are left out.
/// with_userdb: uid and gid are needed too (a userdb reads it): names are
/// resolved, uid 0 refused.
struct PasswdText {
  std::vector<std::pair<std::string, PasswdEntry>> entries;  ///< file order
  std::vector<PasswdProblem> problems;
};
PasswdText parse_passwd_file(std::string_view text);

/// A file (or one for each value of the %variables in its path) as passdb
/// and userdb share it. Read again when its time, size or inode has changed.
class PasswdFile {
 public:
  struct Opened {
    std::map<std::string, PasswdEntry, std::less<>> users;
    std::vector<std::string> order;
    long long seconds = 0, nanoseconds = 0, size = -1;
    unsigned long long inode = 0;
  };
  /// The one object for this path template in the process.
  static std::shared_ptr<PasswdFile> shared(const std::string& path);

  explicit PasswdFile(std::string path) : path_(std::move(path)) {}
  /// A userdb reads it, too.
  void use_for_users() { for_users_ = true; }
  /// Its path for this request, every variable cut at the first '/' so that
  /// no name leads elsewhere.
  std::string path_for(const Request& request) const;
  /// Up to date. Errors: with errno (no such file is the caller's to judge).
  Result<const Opened*> open(const std::string& path, bool debug);
  bool has_variables() const;

 private:
  static constexpr size_t kMaxOpen = 100;
  std::string path_;
  bool for_users_ = false;
  std::map<std::string, Opened> open_;
};

}  // namespace mail::authd
