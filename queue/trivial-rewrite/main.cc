// trivial-rewrite(8): gives addresses their standard form, and says where mail
// for them goes.
#include "common/config/postfix/params.h"
#include "common/daemon/tables.h"
#include "common/ipc/conversation.h"
#include "common/log/log.h"
#include "queue/trivial-rewrite/resolver.h"

namespace mail::rewrite {

namespace param = config::param;

namespace {

constexpr char kPeer[] = "rewrite client";

/// What a request begins with: its kind decides the rest.
struct RequestKind {
  std::string request;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    return io("request", m.request);
  }
};

class RewriteService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    const auto& s = *context.settings;
    resolver_ = TRY(Resolver::open(s, daemon::table_options(context)));
    timeout_ = s.get(param::ipc_timeout);
    RouteRules rules{s.get(param::swap_bangpath),
                     s.get(param::allow_percent_hack)};
    local_ = {rules, s.get(param::append_at_myorigin),
              s.get(param::append_dot_mydomain), s.get(param::myorigin),
              s.get(param::mydomain)};
    const auto& remote = s.get(param::remote_header_rewrite_domain);
    remote_ = {rules, s.get(param::append_at_myorigin),
               s.get(param::append_dot_mydomain), remote, remote};
    return {};
  }

  net::Task<> serve(net::Stream stream) override {
    ipc::greet(stream, ipc::kRewriteProtocol);
    while (true) {
      auto sent = co_await stream.flush(net::Deadline::in(timeout_));
      if (!sent) co_return;
      auto raw =
          co_await ipc::receive_raw(stream, kPeer, net::Deadline::in(timeout_));
      if (!raw) co_return;
      auto answered = co_await answer(stream, *raw);
      if (!answered) {
        log::warning(answered.error().what);
        co_return;
      }
    }
  }

 private:
  net::Task<Result<>> answer(net::Stream& stream, const std::string& raw) {
    RequestKind kind;
    ipc::Decoder peek(raw, kPeer);
    auto known = RequestKind::fields(peek, kind);
    CO_CHECK(known);
    if (kind.request == "rewrite") co_return rewrite(stream, raw);
    if (kind.request != "resolve" && kind.request != "verify") {
      co_return fail(Fault::Protocol, "bad command " + kind.request);
    }
    auto request = ipc::decode<ipc::ResolveRequest>(raw, kPeer);
    CO_CHECK(request);
    auto use = kind.request == "verify" ? Resolver::Use::Verify
                                        : Resolver::Use::Deliver;
    auto reply = co_await resolver_->resolve(use, std::move(request->sender),
                                             std::move(request->address));
    ipc::append(stream, reply);
    co_return Result<>{};
  }

  Result<> rewrite(net::Stream& stream, const std::string& raw) {
    auto request = TRY(ipc::decode<ipc::RewriteRequest>(raw, kPeer));
    if (request.rule != "local" && request.rule != "remote") {
      return fail(Fault::Protocol, "unknown context: " + request.rule);
    }
    ipc::RewriteReply reply;
    reply.address = standard_form(request.address,
                                  request.rule == "local" ? local_ : remote_);
    ipc::append(stream, reply);
    return {};
  }

  std::unique_ptr<Resolver> resolver_;
  StandardForm local_, remote_;
  Duration timeout_{};
};

}  // namespace

}  // namespace mail::rewrite

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "trivial-rewrite",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::rewrite::RewriteService>();
       }});
}
