#pragma once

#include <cstddef>

namespace mail {

// The first touch of a page is a fault of its own, 1 us on bare metal and
// twenty in a virtual machine; mapped together a page costs a tenth of that.
// Where this fails (Linux before 5.14) pages come one by one, as always.

/// For commands, first thing in main(): maps the program's code and as much of
/// the heap as it will use. Not for what stays: pages that are mapped count.
void prepare_command(size_t heap);
/// The same for a command that has learnt how much it will need.
void prepare_heap(size_t bytes);
/// For daemons: the heap as malloc(3) begins it, 132 KiB, which they all use.
void prepare_heap();

}  // namespace mail
