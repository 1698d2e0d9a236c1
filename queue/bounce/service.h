#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config/postfix/bounce_templates.h"
#include "common/daemon/service.h"
#include "common/ipc/bounce.h"
#include "common/ipc/conversation.h"
#include "queue/bounce/job.h"
#include "queue/bounce/notice.h"

namespace mail::bounce {

/// bounce(8) under its three names: keeps the logs bounce/, defer/ and trace/,
/// and turns them into notices.
class BounceService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override;
  net::Task<> serve(net::Stream client) override;

 private:
  struct Order;
  net::Task<int> answer(std::string raw);
  net::Task<int> append(ipc::BounceAppend request);
  net::Task<int> send(ipc::BounceSend request);
  net::Task<Result<>> report(const ipc::BounceSend& request,
                             const Material& material);
  net::Task<Result<>> report_each(const ipc::BounceSend& request,
                                  const Material& material);
  net::Task<Result<>> report_failure(const ipc::BounceSend& request,
                                     const Material& material,
                                     const std::string& to);
  net::Task<Result<>> report_delay(const ipc::BounceSend& request,
                                   const Material& material);
  net::Task<Result<>> report_trace(const ipc::BounceSend& request,
                                   const Material& material);
  net::Task<Result<>> post(const ipc::BounceSend& request,
                           const Material& material, Order order);
  net::Task<Result<>> finish(const ipc::BounceSend& request,
                             const Material& material);
  Result<Notice> prepare(const ipc::BounceSend& request,
                         const Material& material, const Order& order) const;
  int cleanup_flags(const ipc::BounceSend& request, bool postmaster) const;
  bool notifies(std::string_view what) const;
  const config::BounceTemplate& template_of(const ipc::BounceSend& request,
                                            Kind kind) const;

  std::shared_ptr<const config::Settings> settings_;
  std::string service_, template_path_, host_, double_bounce_;
  std::vector<std::string> classes_;
  std::string template_text_;  // templates_ may look into it
  config::BounceTemplates templates_;
  queue::Layout layout_;
  std::optional<ipc::Client> cleanup_;
};

}  // namespace mail::bounce
