#pragma once

#include "common/base/result.h"

namespace mail {

/// Which files are walked page by page.
enum class LmdbWalk {
  Always,
  WhenShort,  ///< those that end before their last page alone
};

/// Whether what LMDB (data format 1, of this machine's byte order) will follow
/// in a file is all there and sound: each page that the newest state reaches
/// lies in the file, is of its kind and keeps to its bounds. LMDB itself maps
/// the file and trusts it: a page behind the end of a file that was cut kills
/// the reader (SIGBUS), a damaged one may. A file may rightly end before its
/// last page: a page that a transaction took and gave back was never written.
/// Reads by pread(2), a page at a time. Sub-databases and duplicate keys are
/// not looked into: their flags count as damage.
/// fd: nobody writes while we look, or the caller has a reader's transaction.
/// Errors: Protocol, "page 7 of 20 is missing" or "page 7 is damaged";
/// Temporary, errno of fstat or pread.
Result<> check_lmdb_pages(int fd, LmdbWalk walk);

}  // namespace mail
