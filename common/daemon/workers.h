#pragma once

namespace mail::daemon {

/// Waits for the jobs that run and ends the worker pool; before the loop goes.
void end_workers();

}  // namespace mail::daemon
