#pragma once

#include <string>
#include <string_view>

#include "common/queue/spool.h"

namespace mail::flush {

/// flush/SITE: the queue ids of mail that waits for one site, one a line.
/// Everything here waits for locks and the disk: run it on a worker.

/// The file's name: lower case, each byte that is no letter or digit is '_'.
std::string log_name(std::string_view site);

/// Notes `id` for `site`. Errors: of the file system.
Result<> add(const queue::Layout& layout, const std::string& site,
             const std::string& id);
/// Makes one deferred message due. False: it is not deferred (any more).
Result<bool> make_due(const queue::Layout& layout, const std::string& id);
/// All that waits for the site; empties its log. Returns how many were moved.
/// Without a log: 0. Errors: of the file system.
Result<long> make_site_due(const queue::Layout& layout,
                           const std::string& name);

struct Ages {
  long refresh = 0;  ///< seconds: logs not written for so long are delivered
  long purge = 0;    ///< seconds: empty ones that old are removed
};
/// Goes through all logs. Ages{}: deliver each, remove none.
Result<long> refresh(const queue::Layout& layout, Ages ages);

}  // namespace mail::flush
