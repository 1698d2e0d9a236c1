#pragma once

namespace mail::process {

/// As many descriptors as the system lets us have (setrlimit(2)).
void raise_descriptor_limit();

}  // namespace mail::process
