#pragma once

namespace mail::daemon {

/// The next client will be another process's: this one is full, or ends with
/// the clients it has. What could serve the next must be left where a sibling
/// finds it.
bool hands_over();

}  // namespace mail::daemon
