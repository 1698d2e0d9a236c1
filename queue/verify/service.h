#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/daemon/service.h"
#include "common/ipc/conversation.h"
#include "common/ipc/verify.h"
#include "common/maps/table.h"
#include "queue/verify/entry.h"

namespace mail::verify {

/// verify(8): remembers which addresses are deliverable, and sends messages
/// without a text to find out; delivery agents tell it what became of them.
class VerifyService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override;
  net::Task<Result<>> start(daemon::Context& context) override;
  net::Task<> serve(net::Stream client) override;

 private:
  ipc::VerifyReply query(const ipc::VerifyRequest& request);
  int update(const ipc::VerifyRequest& request);
  void store(const std::string& address, const Entry& entry);
  /// One message to `address`; what becomes of it is told by update().
  net::Task<> probe(std::string address);
  net::Task<> clean_regularly();
  net::Task<> clean();

  config::SettingsPtr settings_;
  net::TaskSet* tasks_ = nullptr;
  std::string name_;  ///< of the table
  std::unique_ptr<maps::Table> cache_;
  std::optional<ipc::Client> cleanup_;
  Ages ages_;
  Duration clean_every_{};
};

}  // namespace mail::verify
