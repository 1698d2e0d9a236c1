#include "common/base/lmdb_pages.h"

#include <errno.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

namespace mail {

namespace {

/// Of page: number 8, pad 2, flags 2, lower 2, upper 2 (an overflow page:
/// pages 4), then offsets of nodes, 2 each, up to lower. Nodes lie between
/// upper and the page's end: low 2, high 2, flags 2, key size 2, key, data.
/// In a branch low, high, flags are the child's number; in a leaf low, high
/// are the data's size.
constexpr size_t kPageHeader = 16, kNodeHeader = 8;
constexpr uint16_t kBranch = 1, kLeaf = 2, kOverflow = 4, kMeta = 8;
constexpr uint16_t kBigData = 1;
constexpr uint32_t kMagic = 0xBEEFC0DE, kVersion = 1;
/// Of meta page, behind the header: magic 4, version 4, address 8, map size 8,
/// databases 2 (free pages, data) of 48, last page 8, transaction 8.
constexpr size_t kMetaSize = 152, kDatabases = 40, kDatabase = 48;
constexpr size_t kLastPage = 136, kTransaction = 144;
constexpr uint16_t kFixedMap = 1;
constexpr uint64_t kNoPage = ~uint64_t{0};
constexpr size_t kMaxDepth = 32;  // of LMDB's cursors

template <class T>
T number_at(std::string_view bytes, size_t at) {
  T out;
  memcpy(&out, bytes.data() + at, sizeof(out));
  return out;
}

Failure damaged(uint64_t page) {
  return fail(Fault::Protocol, fmt::format("page {} is damaged", page));
}

class Walk {
 public:
  explicit Walk(int fd) : fd_(fd) {}
  Result<> begin();
  bool is_short() const { return last_ >= pages_; }
  Result<> trees() {
    TRY(tree(free_root_, /*free_pages=*/true));
    return tree(root_, /*free_pages=*/false);
  }

 private:
  struct Place {
    uint64_t page;
    size_t depth;
  };

  Result<> read(uint64_t offset, size_t size, std::string& out) const;
  Result<> meta(uint64_t page, std::string& out);
  Result<> claim(uint64_t page);
  Result<> tree(uint64_t root, bool free_pages);
  Result<> nodes(Place at, bool free_pages);
  Result<> leaf_node(uint64_t page, size_t at, size_t key, bool free_pages);
  Result<> overflow(uint64_t page, size_t size, bool free_pages);
  Result<> free_list(uint64_t page, std::string_view data) const;

  int fd_;
  uint64_t size_ = 0, page_size_ = 0, pages_ = 0, last_ = 0;
  uint64_t free_root_ = kNoPage, root_ = kNoPage;
  std::vector<bool> seen_;
  std::vector<Place> pending_;
  std::string page_, extra_;
};

Result<> Walk::read(uint64_t offset, size_t size, std::string& out) const {
  out.resize(size);
  for (size_t done = 0; done < size;) {
    ssize_t n = ::pread(fd_, out.data() + done, size - done,
                        static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read", errno);
    if (n == 0) {
      uint64_t page = page_size_ ? offset / page_size_ : 0;
      return fail(Fault::Protocol,
                  fmt::format("page {} of {} is missing", page, last_ + 1));
    }
    done += static_cast<size_t>(n);
  }
  return {};
}

Result<> Walk::meta(uint64_t page, std::string& out) {
  TRY(read(page * page_size_, kMetaSize, out));
  auto size = number_at<uint32_t>(out, kDatabases);
  bool sound = (number_at<uint16_t>(out, 10) & kMeta) != 0 &&
               number_at<uint32_t>(out, 16) == kMagic &&
               number_at<uint32_t>(out, 20) == kVersion && size >= 512 &&
               size <= 65536 && (size & (size - 1)) == 0 &&
               (page_size_ == 0 || size == page_size_) &&
               (number_at<uint16_t>(out, kDatabases + 4) & kFixedMap) == 0 &&
               number_at<uint16_t>(out, kDatabases + kDatabase + 4) == 0;
  if (!sound) return damaged(page);
  page_size_ = size;
  return {};
}

Result<> Walk::begin() {
  struct stat status;
  if (::fstat(fd_, &status) != 0) return fail_errno("stat", errno);
  size_ = static_cast<uint64_t>(status.st_size);
  std::string first, second;
  last_ = 1;
  TRY(meta(0, first));
  TRY(meta(1, second));
  const std::string& newest = number_at<uint64_t>(first, kTransaction) <
                                      number_at<uint64_t>(second, kTransaction)
                                  ? second
                                  : first;
  pages_ = size_ / page_size_;
  last_ = number_at<uint64_t>(newest, kLastPage);
  free_root_ = number_at<uint64_t>(newest, kDatabases + 40);
  root_ = number_at<uint64_t>(newest, kDatabases + kDatabase + 40);
  return {};
}

/// A page that is about to be read, for the first time.
Result<> Walk::claim(uint64_t page) {
  if (page < 2 || page > last_) return damaged(page);
  if (page >= pages_) {
    return fail(Fault::Protocol,
                fmt::format("page {} of {} is missing", page, last_ + 1));
  }
  if (seen_[page]) return damaged(page);
  seen_[page] = true;
  return {};
}

Result<> Walk::tree(uint64_t root, bool free_pages) {
  if (root == kNoPage) return {};
  seen_.resize(pages_);
  pending_.assign(1, {root, 1});
  while (!pending_.empty()) {
    Place at = pending_.back();
    pending_.pop_back();
    TRY(claim(at.page));
    TRY(read(at.page * page_size_, page_size_, page_));
    TRY(nodes(at, free_pages));
  }
  return {};
}

Result<> Walk::nodes(Place at, bool free_pages) {
  auto flags = number_at<uint16_t>(page_, 10);
  size_t lower = number_at<uint16_t>(page_, 12);
  size_t upper = number_at<uint16_t>(page_, 14);
  bool branch = flags == kBranch;
  size_t least = branch && !free_pages ? 2 : 1;
  if (number_at<uint64_t>(page_, 0) != at.page || (!branch && flags != kLeaf) ||
      lower < kPageHeader + 2 * least || lower % 2 != 0 || lower > upper ||
      upper > page_size_ || at.depth > kMaxDepth) {
    return damaged(at.page);
  }
  for (size_t slot = kPageHeader; slot < lower; slot += 2) {
    size_t node = number_at<uint16_t>(page_, slot);
    if (node < upper || node % 2 != 0 || node + kNodeHeader > page_size_) {
      return damaged(at.page);
    }
    size_t key = number_at<uint16_t>(page_, node + 6);
    if (node + kNodeHeader + key > page_size_) return damaged(at.page);
    if (!branch) {
      TRY(leaf_node(at.page, node, key, free_pages));
      continue;
    }
    uint64_t child = number_at<uint32_t>(page_, node) |
                     uint64_t{number_at<uint16_t>(page_, node + 4)} << 32;
    pending_.push_back({child, at.depth + 1});
  }
  return {};
}

Result<> Walk::leaf_node(uint64_t page, size_t at, size_t key,
                         bool free_pages) {
  size_t size = number_at<uint32_t>(page_, at);
  auto flags = number_at<uint16_t>(page_, at + 4);
  bool big = flags == kBigData;
  size_t data = at + kNodeHeader + key;
  if ((!big && flags != 0) || key == 0 || (free_pages && key != 8) ||
      data + (big ? sizeof(uint64_t) : size) > page_size_) {
    return damaged(page);
  }
  if (big) return overflow(number_at<uint64_t>(page_, data), size, free_pages);
  if (!free_pages) return {};
  return free_list(page, std::string_view(page_).substr(data, size));
}

Result<> Walk::overflow(uint64_t page, size_t size, bool free_pages) {
  TRY(claim(page));
  TRY(read(page * page_size_, kPageHeader, extra_));
  uint64_t pages = number_at<uint32_t>(extra_, 12);
  if (number_at<uint64_t>(extra_, 0) != page ||
      number_at<uint16_t>(extra_, 10) != kOverflow ||
      kPageHeader + size > pages * page_size_) {
    return damaged(page);
  }
  for (uint64_t next = page + 1; next < page + pages; ++next) TRY(claim(next));
  if (!free_pages) return {};
  TRY(read(page * page_size_ + kPageHeader, size, extra_));
  return free_list(page, extra_);
}

/// data: how many, then their numbers.
Result<> Walk::free_list(uint64_t page, std::string_view data) const {
  uint64_t count = data.size() < 8 ? kNoPage : number_at<uint64_t>(data, 0);
  if (count > data.size() / 8 - 1) return damaged(page);
  for (size_t i = 1; i <= count; ++i) {
    auto free = number_at<uint64_t>(data, i * 8);
    if (free < 2 || free > last_) return damaged(page);
  }
  return {};
}

}  // namespace

Result<> check_lmdb_pages(int fd, LmdbWalk walk) {
  Walk pages(fd);
  TRY(pages.begin());
  if (walk == LmdbWalk::WhenShort && !pages.is_short()) return {};
  return pages.trees();
}

}  // namespace mail
