#include "queue/showq/listing.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <unordered_set>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/mime/address.h"
#include "common/queue/delivery_log.h"
#include "common/queuefile/envelope.h"

namespace mail::showq {

namespace {

using queuefile::Type;

constexpr const char* kQueues[] = {queue::kMaildrop, queue::kActive,
                                   queue::kIncoming, queue::kDeferred,
                                   queue::kHold};

/// An envelope is small, and what follows it is not wanted.
class HeadSource : public queuefile::Source {
 public:
  explicit HeadSource(int fd) : fd_(fd) {}
  Result<std::string_view> fetch(uint64_t offset, size_t want) override {
    bool held = offset >= offset_ && offset + want <= offset_ + size_;
    if (!held) TRY(load(offset, want));
    size_t skip = std::min<size_t>(offset - offset_, size_);
    return std::string_view(data(), size_).substr(skip);
  }

 private:
  const char* data() const {
    return large_.empty() ? small_.data() : large_.data();
  }
  Result<> load(uint64_t offset, size_t want) {
    offset_ = offset;
    size_ = 0;
    char* to = small_.data();
    size_t room = small_.size();
    if (want > room) {
      large_.resize(want);
      to = large_.data();
      room = want;
    } else {
      large_.clear();
    }
    while (size_ < want) {
      ssize_t n = pread(fd_, to + size_, room - size_,
                        static_cast<off_t>(offset + size_));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno("read queue file", errno);
      if (n == 0) break;
      size_ += static_cast<size_t>(n);
    }
    return {};
  }

  int fd_;
  std::array<char, 4096> small_;
  std::string large_;
  uint64_t offset_ = 0;
  size_t size_ = 0;
};

/// What is shown of one file.
struct Reader {
  queuefile::Walker walker;
  ipc::ShowqMessage& message;
  std::optional<std::string> sender;
  std::vector<std::string> recipients;
  queuefile::Sizes sizes{};
  bool has_sizes = false;
  long seen = 0;

  /// False: nothing more is wanted.
  Result<bool> take(const queuefile::PlacedRecord& record) {
    switch (record.type) {
      case Type::Size:
        sizes = TRY(queuefile::parse_sizes(record.data));
        has_sizes = true;
        message.size = sizes.content_size;
        return true;
      case Type::Time: {
        auto end = std::min(record.data.find(' '), record.data.size());
        message.time =
            parse_number<long>(record.data.substr(0, end)).value_or(0);
        return true;
      }
      case Type::Sender:
        sender = record.data;
        return true;
      case Type::Recipient:
        recipients.emplace_back(record.data);
        [[fallthrough]];
      case Type::DoneRecipient:
      case Type::CanceledRcpt:
        ++seen;
        return true;
      case Type::Message:
        if (!has_sizes || seen >= sizes.recipient_count) return false;
        walker.seek(
            static_cast<uint64_t>(sizes.content_offset + sizes.content_size));
        return true;
      case Type::End:
        return false;
      default:
        return true;
    }
  }
};

}  // namespace

std::string Listing::shown(std::string_view address) const {
  return printable(mime::quote_local(address), options_.utf8);
}

/// Those with a reason come first, in the order of the log.
void Listing::add_reasons(ipc::ShowqMessage& message) {
  auto fd =
      queue::open(options_.layout, queue::kDefer, message.queue_id, O_RDONLY);
  if (!fd) return;
  queue::LogParser parser;
  buffer_.resize(65536);
  std::unordered_set<std::string> known;
  std::vector<ipc::ShowqRecipient> out;
  for (bool more = true; more;) {
    ssize_t n = ::read(fd->get(), buffer_.data(), buffer_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n > 0) parser.receive({buffer_.data(), static_cast<size_t>(n)});
    // A file gives less than asked for only at its end.
    more = n == static_cast<ssize_t>(buffer_.size());
    if (!more) parser.finish();
    while (auto entry = parser.next()) {
      auto text = shown(entry->recipient.recipient);
      known.insert(text);
      out.push_back(
          {std::move(text), printable(entry->dsn.reason, options_.utf8)});
    }
  }
  for (auto& recipient : message.recipients) {
    if (!known.contains(recipient.recipient)) {
      out.push_back(std::move(recipient));
    }
  }
  message.recipients = std::move(out);
}

timespec Listing::real_time() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now;
}

Listing::Listing(Options options, Listed* listed, timespec now)
    : options_(std::move(options)), listed_(listed), now_(now) {
  if (listed_) listed_->begin();
}

bool Listing::shows_reasons() const {
  return queue_ != queue::kMaildrop && queue_ != queue::kIncoming;
}

std::optional<ipc::ShowqMessage> Listing::read(const std::string& path,
                                               const struct stat& info,
                                               std::string_view id) {
  UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return std::nullopt;
  ipc::ShowqMessage message;
  message.queue_name = queue_;
  message.queue_id = id;
  message.size = info.st_size;
  message.time = info.st_mtime;
  message.forced_expire = (info.st_mode & queue::kExpire) != 0 ? 1 : 0;
  HeadSource source(fd.get());
  Reader reader{.walker = queuefile::Walker(source, 0), .message = message};
  for (bool more = true; more;) {
    auto record = reader.walker.next();
    if (!record || !*record) break;
    auto taken = reader.take(**record);
    more = taken && *taken;
  }
  if (!reader.sender) return std::nullopt;
  message.sender =
      reader.sender->empty() ? options_.null_sender : shown(*reader.sender);
  for (const auto& recipient : reader.recipients) {
    message.recipients.push_back({shown(recipient), ""});
  }
  if (shows_reasons()) add_reasons(message);
  return message;
}

/// Taken before the files are read: what changes meanwhile is read again.
Listed::Stamps Listing::stamps_of(const struct stat& status,
                                  std::string_view id) {
  Listed::Stamps stamps{FileStamp::of(status), {}};
  struct stat log;
  if (shows_reasons() &&
      lstat(options_.layout.path(queue::kDefer, id).c_str(), &log) == 0) {
    stamps.log = FileStamp::of(log);
  }
  return stamps;
}

void Listing::add(std::string_view directory, std::string_view id,
                  std::string& out) {
  std::string path(directory);
  path.append(1, '/').append(id);
  struct stat status;
  if (lstat(path.c_str(), &status) != 0 ||
      queue::check_file(status, now_.tv_sec) != queue::FileCheck::Ready) {
    return;
  }
  Listed::Stamps stamps;
  if (listed_) {
    stamps = stamps_of(status, id);
    if (auto known = listed_->find(id, stamps)) {
      out += *known;
      return;
    }
  }
  auto message = read(path, status, id);
  if (!message) return;
  size_t before = out.size();
  ipc::encode(*message, out);
  if (listed_ && !stamps.file.young(now_) && !stamps.log.young(now_)) {
    listed_->keep(id, stamps, std::string_view(out).substr(before));
  }
}

bool Listing::open_next() {
  scanner_.reset();
  while (next_queue_ < std::size(kQueues)) {
    queue_ = kQueues[next_queue_++];
    auto opened = queue::Scanner::open(options_.layout.directory(queue_));
    if (!opened) continue;
    scanner_.emplace(std::move(*opened));
    return true;
  }
  return false;
}

bool Listing::step(size_t size, std::string& out) {
  size_t before = out.size();
  while (out.size() - before < size) {
    if (!scanner_ && !open_next()) {
      out += '\0';
      if (listed_) listed_->sweep();
      return false;
    }
    auto entry = scanner_->next();
    if (!entry || !*entry) {
      scanner_.reset();
      continue;
    }
    if (!queue::QueueId::valid((*entry)->name)) continue;
    add((*entry)->directory, (*entry)->name, out);
  }
  return true;
}

}  // namespace mail::showq
