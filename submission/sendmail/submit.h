#pragma once

#include <string>

#include "common/base/unique_fd.h"
#include "submission/sendmail/message.h"

namespace mail::sendmail {

/// A running postdrop(1), to be written to.
class Postdrop {
 public:
  /// path: $command_directory/postdrop. Errors: pipe, fork.
  static Result<Postdrop> start(const std::string& path);
  Result<> write(std::string_view bytes);
  /// Waits for the verdict. Errors: what postdrop said of it, "message file
  /// too big", or that it ended without a word.
  Result<> finish();

 private:
  Postdrop(UniqueFd socket, int pid) : socket_(std::move(socket)), pid_(pid) {}
  UniqueFd socket_;
  int pid_;
};

}  // namespace mail::sendmail
