// Moving text in an mbox file so that a broken-off edit can be completed.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/mailbox/mbox_state.h"

namespace mail::mailbox {

namespace {

constexpr size_t kPiece = 256 << 10;
constexpr char kMagic[8] = {'P', 'C', 'm', 'b', 'o', 'x', '0', '1'};

/// In front of the new text, which goes from `offset` to the end of the file.
struct Head {
  char magic[8];
  uint64_t phase;  // 0: nothing of the mbox was touched but its length
  uint64_t inode;
  uint64_t offset;  // in the mbox
  uint64_t size;    // of the new text
  uint64_t old_size;
  uint64_t sum;      // of the new text
  uint64_t old_sum;  // of what is cut off at the end; 0 if nothing is
};

uint64_t add_to_sum(uint64_t sum, std::string_view text) {
  for (char c : text) {
    sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return sum;
}
constexpr uint64_t kSumStart = 0xcbf29ce484222325;

Result<size_t> read_at(int fd, uint64_t offset, size_t size, std::string& out) {
  out.resize(size);
  size_t done = 0;
  while (done < size) {
    ssize_t n = pread(fd, out.data() + done, size - done,
                      static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read", errno);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  out.resize(done);
  return done;
}

/// The sum of `size` octets; nullopt: there are not so many.
std::optional<uint64_t> sum_of(int fd, uint64_t offset, uint64_t size) {
  uint64_t sum = kSumStart;
  std::string piece;
  while (size > 0) {
    auto got =
        read_at(fd, offset,
                static_cast<size_t>(std::min<uint64_t>(size, kPiece)), piece);
    if (!got || *got == 0) return std::nullopt;
    sum = add_to_sum(sum, piece);
    offset += *got;
    size -= *got;
  }
  return sum;
}

/// Copies forward, also within one file to a place in front.
Result<> copy(int from, uint64_t offset, int to, uint64_t at, uint64_t size) {
  std::string piece;
  while (size > 0) {
    size_t got = TRY(
        read_at(from, offset,
                static_cast<size_t>(std::min<uint64_t>(size, kPiece)), piece));
    if (got == 0) return fail_errno("read", EIO);
    TRY(write_at(to, at, piece));
    offset += got;
    at += got;
    size -= got;
  }
  return {};
}

std::string_view bytes_of(const Head& head) {
  return {reinterpret_cast<const char*>(&head), sizeof head};
}

uint64_t size_of(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

/// Takes out [begin, end), with what others have appended behind.
Result<> cut_out(int fd, uint64_t begin, uint64_t end) {
  uint64_t size = size_of(fd);
  if (size > end) TRY(copy(fd, end, fd, begin, size - end));
  uint64_t left = begin + (size > end ? size - end : 0);
  if (ftruncate(fd, static_cast<off_t>(left)) != 0) {
    return fail_errno("ftruncate", errno);
  }
  return {};
}

bool all_zero(int fd, uint64_t begin, uint64_t end) {
  std::string piece;
  while (begin < end) {
    auto got = read_at(
        fd, begin, static_cast<size_t>(std::min<uint64_t>(end - begin, kPiece)),
        piece);
    if (!got || *got == 0) return false;
    if (piece.find_first_not_of('\0') != piece.npos) return false;
    begin += *got;
  }
  return true;
}

/// Nothing was overwritten yet: back to the old length.
Result<> undo(int fd, const Head& head) {
  uint64_t end = head.offset + head.size;
  if (end > head.old_size && size_of(fd) >= end &&
      all_zero(fd, head.old_size, end)) {
    return cut_out(fd, head.old_size, end);
  }
  return {};
}

Result<> redo(int fd, int journal, const Head& head) {
  uint64_t end = head.offset + head.size;
  bool was_cut = end < head.old_size &&
                 sum_of(fd, end, head.old_size - end) != head.old_sum;
  TRY(copy(journal, sizeof head, fd, head.offset, head.size));
  if (end < head.old_size && !was_cut) {
    TRY(cut_out(fd, end, head.old_size));
  }
  return {};
}

}  // namespace

std::string MboxState::journal_path() const {
  std::string name;
  for (char c : paths_.label) {
    if (c == '/' || c == '%') {
      name += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    } else {
      name += c;
    }
  }
  return fmt::format("{}/postcote-journal.{}", paths_.validity, name);
}

Result<> MboxState::write_journal(uint64_t offset,
                                  const std::vector<Piece>& pieces) {
  TRY(permissions_.make_directories(paths_.validity));
  std::string path = journal_path();
  UniqueFd journal(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!journal) return fail_errno(fmt::format("open({})", path), errno);
  auto fill = [&]() -> Result<> {
    Head head{};
    struct stat info;
    if (fstat(fd_.get(), &info) != 0) return fail_errno("fstat", errno);
    head.inode = info.st_ino;
    head.offset = offset;
    head.old_size = static_cast<uint64_t>(info.st_size);
    head.sum = kSumStart;
    std::string text;
    for (const Piece& piece : pieces) {
      for (uint64_t done = 0; done < piece.size;) {
        auto want =
            static_cast<size_t>(std::min<uint64_t>(kPiece, piece.size - done));
        size_t got = TRY(read_at(fd_.get(), piece.offset + done, want, text));
        if (got == 0) return fail_errno("read", EIO);
        TRY(write_at(journal.get(), sizeof head + head.size, text));
        head.sum = add_to_sum(head.sum, text);
        head.size += got;
        done += got;
      }
      TRY(write_at(journal.get(), sizeof head + head.size, piece.text));
      head.sum = add_to_sum(head.sum, piece.text);
      head.size += piece.text.size();
    }
    uint64_t end = offset + head.size;
    if (end < head.old_size) {
      auto sum = sum_of(fd_.get(), end, head.old_size - end);
      if (!sum) return fail_errno("read", EIO);
      head.old_sum = *sum;
    }
    memcpy(head.magic, kMagic, sizeof kMagic);
    TRY(write_at(journal.get(), 0, bytes_of(head)));
    if (options().mail_fsync != Options::Fsync::Never &&
        fdatasync(journal.get()) != 0) {
      return fail_errno("fdatasync", errno);
    }
    // The room first: when the disk is full, nothing has happened.
    if (end > head.old_size) {
      int error = posix_fallocate(fd_.get(), static_cast<off_t>(head.old_size),
                                  static_cast<off_t>(end - head.old_size));
      if (error) {
        (void)!ftruncate(fd_.get(), static_cast<off_t>(head.old_size));
        return fail_errno("posix_fallocate", error);
      }
    }
    head.phase = 1;
    TRY(write_at(journal.get(), 0, bytes_of(head)));
    if (options().mail_fsync != Options::Fsync::Never &&
        fdatasync(journal.get()) != 0) {
      return fail_errno("fdatasync", errno);
    }
    return {};
  };
  auto filled = fill();
  if (!filled) {
    unlink(path.c_str());
    Error error = filled.error();
    error.what = fmt::format("{}: {}", path, error.what);
    return fail(error);
  }
  return {};
}

/// Completes or undoes what a journal tells of; none: nothing to do.
Result<> MboxState::apply_journal() {
  std::string path = journal_path();
  UniqueFd journal(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!journal) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return fail_errno(fmt::format("open({})", path), errno);
  }
  Head head{};
  std::string text;
  struct stat info;
  bool whole = read_at(journal.get(), 0, sizeof head, text) &&
               text.size() == sizeof head;
  if (whole) memcpy(&head, text.data(), sizeof head);
  whole = whole && memcmp(head.magic, kMagic, sizeof kMagic) == 0 &&
          fstat(fd_.get(), &info) == 0 && info.st_ino == head.inode &&
          sum_of(journal.get(), sizeof head, head.size) == head.sum;
  if (whole) {
    auto done = head.phase == 0 ? undo(fd_.get(), head)
                                : redo(fd_.get(), journal.get(), head);
    if (!done) {
      Error error = done.error();
      error.what = fmt::format("{}: {}", paths_.mailbox, error.what);
      return fail(error);
    }
    if (options().mail_fsync != Options::Fsync::Never &&
        fdatasync(fd_.get()) != 0) {
      return fail_errno(fmt::format("fdatasync({})", paths_.mailbox), errno);
    }
  }
  unlink(path.c_str());
  buffer_.clear();
  told_ = true;
  return {};
}

/// When there is no room for a journal: moves what comes to the front in place.
/// A crash amid it leaves text twice, none is lost. False: some of the text
/// would have to move back.
Result<bool> MboxState::slide(uint64_t offset,
                              const std::vector<Piece>& pieces) {
  uint64_t at = offset;
  for (const Piece& piece : pieces) {
    if (piece.size > 0 && at > piece.offset) return false;
    at += piece.text.size() + piece.size;
  }
  if (at > size_of(fd_.get())) return false;
  at = offset;
  for (const Piece& piece : pieces) {
    if (piece.size > 0 && at != piece.offset) {
      TRY(copy(fd_.get(), piece.offset, fd_.get(), at, piece.size));
    }
    TRY(write_at(fd_.get(), at + piece.size, piece.text));
    at += piece.text.size() + piece.size;
  }
  buffer_.clear();
  told_ = true;
  if (ftruncate(fd_.get(), static_cast<off_t>(at)) != 0) {
    return fail_errno(fmt::format("ftruncate({})", paths_.mailbox), errno);
  }
  if (options().mail_fsync != Options::Fsync::Never &&
      fdatasync(fd_.get()) != 0) {
    return fail_errno(fmt::format("fdatasync({})", paths_.mailbox), errno);
  }
  return true;
}

/// At the first opening.
Result<> MboxState::finish_journal() {
  if (access(journal_path().c_str(), F_OK) != 0 || read_only_) return {};
  TRY(lock(MboxLock::Kind::Write));
  return {};
}

}  // namespace mail::mailbox
