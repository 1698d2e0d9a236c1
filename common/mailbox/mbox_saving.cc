#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "common/base/file.h"
#include "common/mailbox/maildir_saving.h"
#include "common/mailbox/mbox_state.h"

namespace mail::mailbox {

namespace {

constexpr size_t kInMemory = 256 << 10;

/// Saving into an mbox: kept aside until it is appended in one go.
class MboxSaving final : public Saving {
 public:
  explicit MboxSaving(std::shared_ptr<MboxState> state)
      : state_(std::move(state)) {}

  Result<> begin(const SaveOptions& options) override {
    MboxState::Arrival one;
    one.sender = options.envelope_sender;
    if (one.sender.empty()) {
      one.sender =
          state_->settings().owner.user + "@" + state_->options().hostname;
    }
    one.date = options.internal_date.value_or(time(nullptr));
    one.flags = options.flags.flags;
    one.keywords = options.flags.keywords;
    arrivals_.push_back(std::move(one));
    converter_ = LineConverter(state_->options().mail_save_crlf);
    header_done_ = false;
    return {};
  }

  Result<> write(std::string_view bytes) override {
    buffer_.clear();
    converter_.convert(bytes, buffer_);
    return take();
  }

  Result<> end() override {
    buffer_.clear();
    converter_.finish(buffer_);
    return take();
  }

  Result<> sync() override { return {}; }

  Result<std::vector<uint32_t>> commit() override {
    auto uids = TRY(state_->append(arrivals_));
    if (state_->options().mail_fsync != Options::Fsync::Never) {
      descriptor_ = TRY(state_->descriptor());
    }
    arrivals_.clear();
    return uids;
  }

  QuotaSize size() const override {
    return {converter_.physical(), converter_.virtual_size(), 1};
  }

  Result<> settle() override {
    if (descriptor_ && fsync(descriptor_.get()) != 0) {
      return fail_errno("fsync", errno);
    }
    return {};
  }

 private:
  Result<> take() {
    MboxState::Arrival& one = arrivals_.back();
    // The whole header must be there when it is appended.
    if (!one.file && (one.text.size() + buffer_.size() <= kInMemory ||
                      (!header_done_ && one.text.size() < kMaxMboxHeader))) {
      size_t from = one.text.size() < 2 ? 0 : one.text.size() - 2;
      one.text += buffer_;
      if (!header_done_) {
        header_done_ = one.text.starts_with('\n') ||
                       one.text.find("\n\n", from) != one.text.npos ||
                       one.text.find("\n\r\n", from) != one.text.npos;
      }
      return {};
    }
    if (!one.file) {
      const std::string& directory = state_->options().mail_temp_dir;
      one.file.reset(
          ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
      if (!one.file) {
        return fail_errno(
            fmt::format("open({}) of a temporary file", directory), errno);
      }
    }
    TRY(write_all(one.file.get(), buffer_));
    one.file_size += buffer_.size();
    return {};
  }

  std::shared_ptr<MboxState> state_;
  std::vector<MboxState::Arrival> arrivals_;
  std::string buffer_;
  LineConverter converter_{false};
  bool header_done_ = false;
  UniqueFd descriptor_;
};

}  // namespace

Result<std::unique_ptr<Saving>> MboxState::save(Uids) {
  return std::unique_ptr<Saving>(std::make_unique<MboxSaving>(
      std::static_pointer_cast<MboxState>(shared_from_this())));
}

}  // namespace mail::mailbox
