// APPEND, with MULTIAPPEND (RFC 3501, 3502, 4315, 7888).
#include <fmt/format.h>

#include <cerrno>

#include "common/daemon/service.h"
#include "common/imap/date_time.h"
#include "common/imap/sequence_set.h"
#include "imapd/command.h"
#include "imapd/flag_list.h"

namespace mail::imapd {
namespace {

/// [flags] [date] in front of a message.
Result<mailbox::SaveOptions> parse_options(const imap::Args& args, size_t at) {
  mailbox::SaveOptions out;
  if (at < args.size() && args[at].is_list()) {
    out.flags = TRY(parse_flags(args[at++].list));
  }
  if (at < args.size() && args[at].is_string()) {
    out.internal_date = imap::parse_date_time(args[at++].text);
    if (!out.internal_date) {
      return fail(Fault::Protocol, "Invalid internal date");
    }
  }
  if (at < args.size()) return fail(Fault::Protocol, "Invalid arguments");
  return out;
}

/// One APPEND under way.
class Append {
 public:
  explicit Append(Session& session) : session_(session) {}

  net::Task<Reply> run(imap::AppendMessage first) {
    auto name = mailbox_name(first.args[0]);
    Reply reply;
    if (!name) {
      reply = session_.failure(name.error());
    } else {
      reply = open(*name);
    }
    bool good = reply.text.empty();
    if (good) reply = begin(first, 1);
    good = reply.text.empty();
    while (good) {
      auto next = co_await receive();
      if (!next) co_return Reply();  // the client is gone
      if (!next->reply.text.empty()) {
        reply = std::move(next->reply);
        break;
      }
      if (next->ended) {
        reply = co_await commit();
        co_return reply;
      }
      reply = begin(*next->message, 0);
      good = reply.text.empty();
    }
    session_.engine().refuse_message();
    co_return reply;
  }

 private:
  struct Next {
    Reply reply;  // text: why it cannot go on
    bool ended = false;
    std::optional<imap::AppendMessage> message;
  };

  Reply open(const std::string& name) {
    auto box =
        session_.storage().open_mailbox(name, mailbox::OpenMode::ReadWrite);
    if (!box) return session_.failure(box.error(), "TRYCREATE");
    box_ = std::move(*box);
    auto saving = box_->save(mailbox::Uids::Now);
    if (!saving) return session_.failure(saving.error(), "TRYCREATE");
    saving_ = std::move(*saving);
    return {};
  }

  Reply begin(const imap::AppendMessage& message, size_t skip) {
    auto options = parse_options(message.args, skip);
    if (!options && options.error().fault == Fault::Permanent) {
      return session_.failure(options.error());
    }
    if (!options) {
      return Reply::bad("Error in IMAP command APPEND: " +
                        options.error().what);
    }
    if (message.literal.size == 0) {
      return Reply::no("Can't save a zero byte message");
    }
    auto begun = saving_->begin(*options);
    if (!begun) return session_.failure(begun.error());
    session_.engine().accept_message();
    return {};
  }

  /// The bytes of a message, and what follows it.
  net::Task<std::optional<Next>> receive() {
    Next next;
    while (true) {
      auto event = co_await session_.next_event();
      if (!event) co_return std::nullopt;
      if (auto* bytes = std::get_if<imap::AppendBytes>(&*event)) {
        auto written = saving_->write(bytes->bytes);
        bool last = bytes->last;
        session_.consumed();
        if (written && last) written = saving_->end();
        if (!written) {
          next.reply = session_.failure(written.error());
          co_return next;
        }
      } else if (auto* more = std::get_if<imap::AppendMessage>(&*event)) {
        next.message = std::move(*more);
        co_return next;
      } else if (auto* bad = std::get_if<imap::BadCommand>(&*event)) {
        next.reply = Reply::bad("Error in IMAP command APPEND: " + bad->what);
        co_return next;
      } else {
        next.ended = true;
        co_return next;
      }
    }
  }

  net::Task<Reply> commit() {
    std::function<Result<>()> sync = [saving = saving_] {
      return saving->sync();
    };
    auto synced = co_await daemon::run_blocking<Result<>>(std::move(sync));
    if (!synced) co_return session_.failure(synced.error());
    auto uids = saving_->commit();
    if (!uids) co_return session_.failure(uids.error());
    std::function<Result<>()> settle = [saving = saving_] {
      return saving->settle();
    };
    auto settled = co_await daemon::run_blocking<Result<>>(std::move(settle));
    if (!settled) co_return session_.failure(settled.error());
    session_.statistics().appended += uids->size();
    co_return Reply::ok(
        fmt::format("[APPENDUID {} {}] Append completed", box_->uidvalidity(),
                    imap::number_text(*uids)),
        Reply::Sync::All);
  }

  Session& session_;
  std::unique_ptr<mailbox::Mailbox> box_;
  std::shared_ptr<mailbox::Saving> saving_;
};

}  // namespace

net::Task<Reply> run_append(Session& session, imap::AppendMessage first) {
  Append append(session);
  Reply reply = co_await append.run(std::move(first));
  co_return reply;
}

// An APPEND without a message.
net::Task<Reply> cmd_append(Session&, const imap::Command& command) {
  if (command.args.size() < 2) co_return Reply::bad("Missing message size");
  co_return Reply::bad("Invalid arguments");
}

}  // namespace mail::imapd
