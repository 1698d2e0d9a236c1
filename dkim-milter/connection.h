#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "common/base/unique_fd.h"
#include "common/milter/filter_engine.h"
#include "dkim-milter/transaction.h"

namespace mail::dkim_milter {

/// One MTA's connection, from negotiation to its end, in the thread of who
/// calls serve(): a driver of milter::FilterEngine that blocks, since the end
/// of a message waits for keys.
class Connection : public Mta {
 public:
  /// fd: a connected socket that blocks. messages: counts those on their way,
  /// until the MTA has their answer.
  Connection(UniqueFd fd, std::shared_ptr<const Context> context,
             std::atomic<int>& messages);
  ~Connection() override { set_busy(false); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  /// Until the MTA quits, breaks the protocol or is silent for two hours.
  void serve();

 private:
  using Event = milter::FilterEngine::Event;

  bool fill();
  bool flush();
  void complain_of(const Error& error);
  void set_busy(bool busy);
  Reply on(const Event& event);
  Reply on_connect(std::string_view data);
  Reply on_header(std::string_view data);
  Reply on_end_of_message(std::string_view last_chunk);

  std::optional<std::string> macro(const std::string& name) override;
  bool insert_header(int index, const std::string& name,
                     const std::string& value) override;
  bool add_header(const std::string& name, const std::string& value) override;
  bool delete_header(const std::string& name, int index) override;
  bool add_recipient(const std::string& address) override;
  bool delete_recipient(const std::string& address) override;
  void set_reply(const std::string& code, const std::string& status,
                 const std::string& text) override;
  void progress() override;
  bool leading_space() const override { return engine_.leading_space(); }
  std::string with_blank(const std::string& value) const;

  UniqueFd fd_;
  std::shared_ptr<const Context> context_;
  milter::FilterEngine engine_;
  Origin origin_;
  std::optional<Transaction> transaction_;
  std::atomic<int>& messages_;
  bool busy_ = false;
};

}  // namespace mail::dkim_milter
