#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/mailbox/maildir_state.h"

namespace mail::mailbox {

/// Counts and converts the bytes of one message on their way to a file.
class LineConverter {
 public:
  explicit LineConverter(bool to_crlf) : to_crlf_(to_crlf) {}
  /// Appends to `out` what `bytes` become: LF, or CRLF.
  void convert(std::string_view bytes, std::string& out);
  /// A CR at the very end.
  void finish(std::string& out);
  uint64_t physical() const { return physical_; }
  uint64_t virtual_size() const { return virtual_; }

 private:
  void emit(std::string_view bytes, std::string& out);

  bool to_crlf_;
  bool pending_cr_ = false;
  char last_ = 0;
  uint64_t physical_ = 0, virtual_ = 0;
};

/// Saving into a Maildir: tmp/NAME, then new/ or cur/.
class MaildirSaving final : public Saving {
 public:
  MaildirSaving(std::shared_ptr<MaildirState> state, Uids uids);
  ~MaildirSaving() override;

  Result<> begin(const SaveOptions& options) override;
  Result<> write(std::string_view bytes) override;
  Result<> end() override;
  Result<> sync() override;
  Result<std::vector<uint32_t>> commit() override;
  Result<> settle() override;
  QuotaSize size() const override {
    return {converter_.physical(), converter_.virtual_size(), 1};
  }

 private:
  struct Part {
    MaildirState::Arrival arrival;
    std::string temporary;
    std::string placed;  // empty: not yet
    UniqueFd fd;
    std::optional<int64_t> date;
  };
  Result<> place();
  Result<> flush_buffer();
  void take_back();

  std::shared_ptr<MaildirState> state_;
  Uids uids_;
  bool fsync_, crlf_;
  std::vector<Part> parts_;
  std::string buffer_;
  LineConverter converter_{false};
  bool committed_ = false;
  std::vector<UniqueFd> to_settle_;
};

}  // namespace mail::mailbox
