// pipe(8): hands messages to a command that the service's master.cf line names.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/daemon/command_service.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "delivery/agent.h"
#include "delivery/copy.h"
#include "delivery/loops.h"
#include "delivery/pipe/options.h"
#include "delivery/sysexits.h"

namespace mail::pipe {

namespace param = config::param;

namespace {

constexpr size_t kShownOutput = 100;

ipc::Dsn make_dsn(std::string_view status, std::string reason) {
  ipc::Dsn dsn;
  dsn.status = status;
  dsn.reason = std::move(reason);
  return dsn;
}

/// The beginning of a command's output, on one line.
std::string shown_output(std::string_view output) {
  std::string out(trim_right(output).substr(0, kShownOutput));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  }
  return out;
}

class PipeAgent : public delivery::Agent {
 protected:
  Result<> open_agent(daemon::Context& context) override {
    TRY(filter_status("pipe_delivery_status_filter",
                      settings().get(param::pipe_delivery_status_filter)));
    options_ = TRY(parse_options(context.arguments));
    if (!context.rootless)
      ids_ = TRY(daemon::find_service_user(options_.user, settings()));
    time_limit_ = TRY(settings().transport(context.service,
                                           config::TransportTime::time_limit));
    return {};
  }

  net::Task<ipc::Dsn> deliver(delivery::Request& request,
                              delivery::Report& report) override {
    if (request.recipients.empty()) co_return ipc::Dsn{};
    auto dsn = deliver_all(request);
    bool sent = dsn.status.starts_with('2');
    if (sent && !request.is_probe()) {
      dsn.action = options_.final_delivery ? "delivered" : "relayed";
    }
    for (const auto& recipient : request.recipients) {
      auto outcome = report.outcome(recipient, dsn.status, dsn.reason);
      outcome.relay = context().service;
      outcome.dsn = dsn;
      outcome.stats.deliver_done = queue::time_now();
      co_await report.by_status(std::move(outcome));
    }
    co_return ipc::Dsn{};
  }

 private:
  bool loops(const delivery::Request& request) const {
    auto seen = delivery::delivered_to(request);
    return std::ranges::any_of(request.recipients, [&](const auto& recipient) {
      return std::ranges::count(seen, lower(recipient.recipient)) > 0;
    });
  }

  delivery::CopyOptions copy_options(const delivery::Request& request) const {
    delivery::CopyOptions out;
    const std::string& eol = options_.newline;
    const auto& sender = shown_sender(options_, request);
    const auto& recipient = request.recipients.front();
    if (options_.from_line) {
      auto line = delivery::from_line(sender, time(nullptr));
      out.head += std::string(trim_right(line)) + eol;
    }
    auto header = [&](std::string_view name, const std::string& address) {
      out.head += fmt::format("{}: {}{}", name, address, eol);
    };
    if (options_.return_path) {
      header("Return-Path", fmt::format("<{}>", mime::quote_local(sender)));
    }
    if (options_.original_to && !recipient.original_recipient.empty()) {
      header("X-Original-To", mime::quote_local(recipient.original_recipient));
    }
    if (options_.delivered_to) {
      header("Delivered-To", mime::quote_local(recipient.recipient));
    }
    out.newline = eol;
    if (options_.blank_line) out.tail = eol;
    out.quote_from = options_.quote_from;
    out.stuff_dots = options_.stuff_dots;
    return out;
  }

  /// What became of the message, the same for all its recipients.
  ipc::Dsn deliver_all(const delivery::Request& request) {
    if (options_.size_limit > 0 && request.data_size > options_.size_limit) {
      return make_dsn("5.2.3", "message too large");
    }
    if (!options_.delivered_to && !options_.original_to) return expand(request);
    if (request.recipients.size() > 1) {
      return misconfigured(
          fmt::format("pipe flag `{}' requires "
                      "{}_destination_recipient_limit = 1",
                      options_.delivered_to ? 'D' : 'O', context().service));
    }
    if (options_.delivered_to && loops(request)) {
      return make_dsn("5.4.6",
                      fmt::format("mail forwarding loop for {}",
                                  request.recipients.front().recipient));
    }
    return expand(request);
  }

  static ipc::Dsn misconfigured(const std::string& why) {
    log::warning(why);
    return make_dsn("4.3.5", "mail system configuration error");
  }

  ipc::Dsn expand(const delivery::Request& request) {
    auto argv = expand_argv(options_, request,
                            settings().get(param::recipient_delimiter));
    if (!argv) {
      return misconfigured(fmt::format("file {}/master.cf: service {}: {}",
                                       settings().get(param::config_directory),
                                       context().service, argv.error().what));
    }
    if (request.is_probe()) {
      return make_dsn("2.0.0",
                      fmt::format("delivers to command: {}", argv->front()));
    }
    return run(request, std::move(*argv));
  }

  ipc::Dsn run(const delivery::Request& request,
               std::vector<std::string> argv) {
    process::Command command;
    command.argv = std::move(argv);
    command.environment = daemon::command_environment(settings());
    command.directory = options_.directory;
    command.root = options_.root;
    command.ids = ids_;
    command.time_limit = time_limit_;
    command.no_such_command = 75;  // may be installed yet; mail can wait
    delivery::MessageCopy copy(request, copy_options(request));
    auto end = process::run_command(
        command, [&](std::string& out) { return copy.fill(out); });
    if (!end) {
      log::warning(fmt::format("{}: {}", request.queue_id, end.error().what));
      return make_dsn("4.3.0", "cannot run command");
    }
    auto dsn = delivery::judge_command(*end, command.argv.front());
    if (dsn.status != "2.0.0") return dsn;
    dsn.reason = fmt::format("delivered via {} service", context().service);
    auto output = shown_output(end->output);
    if (!output.empty()) dsn.reason += fmt::format(" ({})", output);
    return dsn;
  }

  Options options_;
  std::optional<process::UserIds> ids_;
  std::chrono::seconds time_limit_{};
};

}  // namespace

}  // namespace mail::pipe

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "pipe",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::pipe::PipeAgent>();
       },
       .privileged = true,
       .profile = mail::process::Profile::ReadsMailbox,
       .clients = 1});
}
