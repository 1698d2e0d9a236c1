#include "common/base/memory.h"

#include <limits.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

// The linker's: where the program begins, and where its code ends.
extern "C" const char __executable_start, etext;

namespace mail {

namespace {

constexpr uintptr_t kPage = 4096;

void map(uintptr_t from, uintptr_t to, int how) {
  from &= ~(kPage - 1);
  to = (to + kPage - 1) & ~(kPage - 1);
  (void)madvise(reinterpret_cast<void*>(from), to - from, how);
}

uintptr_t number(const void* pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

}  // namespace

void prepare_heap() {
  void* first = malloc(1);
  uintptr_t end = number(sbrk(0));
  // Somewhere else than in the heap of brk(2): then it has its own ways.
  if (number(first) < end && end - number(first) <= size_t{64} << 20) {
    map(number(first), end, MADV_POPULATE_WRITE);
  }
  free(first);
}

void prepare_heap(size_t bytes) {
  constexpr size_t kPiece = size_t{16} << 20;
  // Freed memory stays the heap's, and large blocks come from there too.
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_MMAP_THRESHOLD, 2 * kPiece);
  std::vector<void*> pieces;
  for (size_t left = bytes; left > 0;) {
    size_t size = std::min(left, kPiece);
    void* piece = malloc(size);
    if (piece == nullptr) break;
    map(number(piece), number(piece) + size, MADV_POPULATE_WRITE);
    pieces.push_back(piece);
    left -= size;
  }
  for (void* piece : pieces) free(piece);
}

void prepare_command(size_t heap) {
  map(number(&__executable_start), number(&etext), MADV_POPULATE_READ);
  prepare_heap(heap);
}

}  // namespace mail
