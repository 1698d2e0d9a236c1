#include "queue/cleanup/milters.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/ipc/milter.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "common/mime/header.h"
#include "common/queue/source.h"
#include "common/queuefile/content.h"

namespace mail::cleanup {

using milter::Edit;
using queuefile::Type;
namespace flag = ipc::cleanup_flag;
namespace status = ipc::cleanup_status;

namespace {

milter::MacroLists macro_lists(const ipc::MilterLists& lists) {
  const std::string* texts[milter::kStages] = {
      &lists.conn, &lists.helo, &lists.mail, &lists.rcpt,
      &lists.data, &lists.eoh,  &lists.eod,  &lists.unk};
  milter::MacroLists out;
  for (size_t i = 0; i < milter::kStages; ++i) {
    out[i] = milter::parse_macro_names(*texts[i]);
  }
  return out;
}

filters::Filter::Suspended suspended(const ipc::MilterState& state,
                                     const milter::MacroLists& lists,
                                     UniqueFd fd) {
  filters::Filter::Suspended out;
  out.config.name = state.name;
  out.config.connect_timeout = std::chrono::seconds(state.conn_timeout);
  out.config.command_timeout = std::chrono::seconds(state.cmd_timeout);
  out.config.content_timeout = std::chrono::seconds(state.msg_timeout);
  out.config.default_action = state.action;
  out.agreement.version = static_cast<uint32_t>(state.version);
  out.agreement.actions = static_cast<uint32_t>(state.actions);
  out.agreement.protocol =
      static_cast<uint32_t>(state.events | state.non_events);
  out.macros = state.has_lists ? macro_lists(state.lists) : lists;
  out.accepted_message = state.state == ipc::milter_state::kAcceptMessage;
  bool live = state.state == ipc::milter_state::kReady ||
              state.state == ipc::milter_state::kEnvelope ||
              state.state == ipc::milter_state::kMessage ||
              out.accepted_message;
  if (live) out.fd = std::move(fd);
  return out;
}

}  // namespace

net::Task<Result<filters::Filters>> receive_milters(
    net::Stream& stream, queuefile::RecordReader& reader, size_t count,
    net::Deadline deadline) {
  std::string begun(reader.rest());
  reader = queuefile::RecordReader();
  // The first message may have been read along with the record before it.
  size_t size = ipc::message_size(begun);
  while (size == 0) {
    if (stream.input().empty()) {
      auto got = co_await stream.fill(deadline);
      CO_CHECK(got);
      if (*got == 0) co_return fail(Fault::Protocol, "filters cut short");
    }
    begun += stream.input();
    stream.consume(stream.input().size());
    size = ipc::message_size(begun);
    if (begun.size() > ipc::kMessageLimit) {
      co_return fail(Fault::Protocol, "filter state is too long");
    }
  }
  auto handover =
      CO_TRY(ipc::decode<ipc::MilterHandover>(begun.substr(0, size), "smtpd"));
  auto lists = macro_lists(handover.lists);
  filters::Filters out;
  ipc::MilterState state = std::move(handover.first);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) {
      auto next =
          co_await ipc::receive<ipc::MilterState>(stream, "smtpd", deadline);
      state = CO_TRY(next);
    }
    UniqueFd fd;
    if (state.state != ipc::milter_state::kClosed &&
        state.state != ipc::milter_state::kAcceptConnection &&
        state.state != ipc::milter_state::kRejectConnection) {
      ipc::append(stream, ipc::FdReady{});
      auto asked = co_await stream.flush(deadline);
      CO_CHECK(asked);
      auto passed = co_await stream.receive_fd(deadline);
      fd = CO_TRY(passed);
      ipc::append(stream, ipc::FdReady{});
    }
    out.add(filters::Filter(suspended(state, lists, std::move(fd))));
  }
  ipc::append(stream, ipc::Status{});
  auto answered = co_await stream.flush(deadline);
  CO_CHECK(answered);
  co_return out;
}

/// The message as filters see it: all headers but our own Received, then the
/// body from the file.
class MilterRun::View : public filters::Message {
 public:
  explicit View(MilterRun& run)
      : run_(run), source_(run.s_.out.file().fd.get()) {}

  Result<> rewind() override {
    next_ = 0;
    pending_.clear();
    reader_.reset();
    source_.forget();
    return {};
  }

  Result<std::optional<Header>> next_header() override {
    if (next_ < run_.headers_.size() && is_hidden(next_)) ++next_;
    if (next_ >= run_.headers_.size()) return std::optional<Header>();
    const std::string& text = run_.headers_[next_++];
    size_t colon = text.find(':');
    if (colon == std::string::npos) return next_header();
    return std::optional<Header>(
        Header{std::string(trim_right(text.substr(0, colon))),
               text.substr(colon + 1)});
  }

  Result<std::string> next_body(size_t limit) override {
    if (run_.new_body_) return cut(*run_.new_body_, limit);
    if (!reader_) {
      reader_.emplace(source_, static_cast<uint64_t>(run_.s_.body_at));
      TRY(skip_separator());
    }
    while (pending_.size() < limit) {
      bool more = TRY(queuefile::append_content(
          *reader_, limit - pending_.size(), "\r\n", pending_));
      if (!more) break;
    }
    std::string out = pending_.substr(0, limit);
    pending_.erase(0, out.size());
    return out;
  }

  Result<> apply(const Edit& edit) override {
    switch (edit.kind) {
      case Edit::Kind::AddHeader:
        run_.headers_.push_back(line_of(edit));
        run_.headers_changed_ = true;
        break;
      case Edit::Kind::InsertHeader: {
        size_t at = std::min<size_t>(edit.index, run_.headers_.size());
        run_.headers_.insert(run_.headers_.begin() + static_cast<ptrdiff_t>(at),
                             line_of(edit));
        if (at <= hidden_at_) ++hidden_at_;
        run_.headers_changed_ = true;
        break;
      }
      case Edit::Kind::ChangeHeader:
        change(edit);
        break;
      case Edit::Kind::ReplaceBody:
        // All packets of one replacement come one after the other.
        if (!replacing_) run_.new_body_.emplace();
        replacing_ = true;
        *run_.new_body_ += edit.value;
        return {};
      default:
        run_.envelope_edits_.push_back(edit);
        break;
    }
    replacing_ = false;
    return {};
  }

  void set_leading_space(bool leading) { leading_space_ = leading; }

 private:
  /// Our own Received header stands there, and no filter sees it.
  bool is_hidden(size_t i) const {
    return i == hidden_at_ && istarts_with(run_.headers_[i], "Received:");
  }

  std::string line_of(const Edit& edit) const {
    std::string value = edit.value;
    std::erase(value, '\r');
    return edit.name + ":" + (leading_space_ ? "" : " ") + value;
  }

  void change(const Edit& edit) {
    uint32_t wanted = std::max<uint32_t>(edit.index, 1);
    uint32_t count = 0;
    for (size_t i = 0; i < run_.headers_.size(); ++i) {
      if (is_hidden(i)) continue;
      auto name = mime::split_header(run_.headers_[i]).name;
      if (!iequals(name, edit.name) || ++count != wanted) continue;
      if (edit.value.empty()) {
        run_.headers_.erase(run_.headers_.begin() + static_cast<ptrdiff_t>(i));
        if (i < hidden_at_) --hidden_at_;
      } else {
        run_.headers_[i] = line_of(edit);
      }
      run_.headers_changed_ = true;
      return;
    }
    if (edit.value.empty()) return;
    run_.headers_.push_back(line_of(edit));
    run_.headers_changed_ = true;
  }

  /// The empty line between header and body is neither's.
  Result<> skip_separator() {
    auto piece = TRY(reader_->next());
    if (piece && (!piece->text.empty() || !piece->ends_line)) {
      pending_ = piece->text;
      if (piece->ends_line) pending_ += "\r\n";
    }
    return {};
  }

  std::string cut(const std::string& body, size_t limit) {
    std::string out = body.substr(std::min(body_taken_, body.size()), limit);
    body_taken_ += out.size();
    if (out.empty()) body_taken_ = 0;
    return out;
  }

  MilterRun& run_;
  queue::FileSource source_;
  std::optional<queuefile::ContentReader> reader_;
  std::string pending_;
  size_t next_ = 0;
  size_t hidden_at_ = 0;  ///< where our Received header is now
  size_t body_taken_ = 0;
  bool replacing_ = false;
  bool leading_space_ = true;
};

std::optional<std::string> MilterRun::macro(std::string_view name) const {
  const Config& c = s_.config;
  auto attribute = [&](std::string_view key) -> std::optional<std::string> {
    auto value = s_.attribute(key);
    if (value.empty()) return std::nullopt;
    return std::string(value);
  };
  if (name == "i") return s_.out.id();
  if (name == "j") return c.host;
  if (name == "v") return c.milter_v;
  if (name == "daemon_name") return c.milter_daemon_name;
  if (name == "_") {
    auto client = attribute("client_name");
    auto address = attribute("client_address");
    if (!client || !address) return std::string("localhost [127.0.0.1]");
    return *client + " [" + *address + "]";
  }
  if (name == "mail_addr") return s_.sender.value_or("");
  if (name == "rcpt_addr") return s_.last_recipient;
  if (name == "auth_type") return attribute("sasl_method");
  if (name == "auth_authen") return attribute("sasl_username");
  if (name == "auth_author") return attribute("sasl_sender");
  if (name == "client_name") return attribute("client_name");
  if (name == "client_addr") return attribute("client_address");
  if (name == "client_port") return attribute("client_port");
  if (name == "client_ptr") return attribute("reverse_client_name");
  for (const auto& [key, value] : c.milter_defaults) {
    if (key == name) return value;
  }
  return std::nullopt;
}

/// Mail that did not come by SMTP: the filters hear a session all the same.
net::Task<filters::Verdict> MilterRun::begin_own_session() {
  s_.own_milters = true;
  s_.milters = filters::Filters(s_.config.milters, s_.config.milter_macros,
                                s_.config.connector);
  filters::MacroSource macros = [this](std::string_view n) { return macro(n); };
  std::string name(s_.attribute("client_name"));
  auto address = net::IpAddress::parse(s_.attribute("client_address"));
  net::Endpoint client;
  client.address = address.value_or(*net::IpAddress::parse("127.0.0.1"));
  std::string host = name.empty() ? "localhost" : name;
  auto verdict = co_await s_.milters.connect(host, client, macros);
  if (!verdict.goes_on()) co_return verdict;
  std::string helo(s_.attribute("helo_name"));
  verdict = co_await s_.milters.helo(helo.empty() ? host : helo, macros);
  if (!verdict.goes_on()) co_return verdict;
  std::vector<std::string> arguments{mime::quote_local(*s_.sender)};
  verdict = co_await s_.milters.mail(arguments, macros);
  if (!verdict.goes_on()) co_return verdict;
  std::string last = s_.last_recipient;
  for (const auto& recipient : s_.written) {
    s_.last_recipient = recipient.recipient;
    arguments = {mime::quote_local(recipient.recipient)};
    verdict = co_await s_.milters.rcpt(arguments, macros);
    if (!verdict.goes_on()) co_return verdict;
  }
  s_.last_recipient = last;
  verdict = co_await s_.milters.data(macros);
  co_return verdict;
}

void MilterRun::obey(const filters::Verdict& verdict) {
  using Kind = filters::Verdict::Kind;
  switch (verdict.kind) {
    case Kind::Continue:
      return;
    case Kind::Hold:
      s_.log_action("milter-hold", "END-OF-MESSAGE", "",
                    "milter triggers HOLD action");
      s_.flags |= flag::kHold;
      return;
    case Kind::Discard:
      s_.log_action("milter-discard", "END-OF-MESSAGE", "",
                    "milter triggers DISCARD action");
      s_.flags |= flag::kDiscard;
      return;
    case Kind::Reject:
    case Kind::Shutdown: {
      std::string reply = verdict.reply;
      if (s_.config.soft_bounce && reply.starts_with('5')) {
        reply[0] = '4';
        if (reply.size() > 4 && reply[4] == '5') reply[4] = '4';
      }
      // The log has the text behind the three digits.
      s_.log_action("milter-reject", "END-OF-MESSAGE", "",
                    reply.size() > 4 ? reply.substr(4) : reply);
      bool permanent = reply.starts_with('5');
      s_.add_error(permanent ? status::kContent : status::kDefer, reply);
      return;
    }
  }
}

net::Task<> MilterRun::run() {
  s_.out.flush();
  if (s_.out.failed()) co_return;
  if (s_.milters.empty()) {
    if (!(s_.flags & flag::kMilter) || s_.config.milters.empty()) co_return;
    auto verdict = co_await begin_own_session();
    obey(verdict);
    if (!s_.ok() || s_.discard()) co_return;
  }
  filters::MacroSource macros = [this](std::string_view n) { return macro(n); };
  View view(*this);
  filters::Verdict held;
  for (auto& filter : s_.milters.members()) {
    view.set_leading_space(filter.leading_space());
    auto verdict = co_await filter.message(view, macros);
    if (verdict.kind == filters::Verdict::Kind::Hold) {
      held = verdict;
      continue;
    }
    obey(verdict);
    if (!s_.ok() || s_.discard()) co_return;
  }
  obey(held);
  co_await apply_envelope_edits();
  if (headers_changed_) store_header();
  if (new_body_) store_body(*new_body_);
}

void MilterRun::store_header() {
  long at = s_.out.position();
  for (const auto& header : headers_) {
    std::string_view text = header;
    while (true) {
      size_t end = text.find('\n');
      s_.out.text(text.substr(0, end), true, s_.config.line_length);
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
  }
  long back = s_.out.pointer();
  s_.out.set_pointer(back, s_.body_pointer);
  s_.out.flush();
  s_.out.set_pointer(s_.headers_pointer, at);
}

void MilterRun::store_body(const std::string& body) {
  long at = s_.out.position();
  s_.out.text("", true, s_.config.line_length);
  std::string_view rest = body;
  while (!rest.empty()) {
    size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    s_.out.text(line, true, s_.config.line_length);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  long back = s_.out.pointer();
  s_.out.set_pointer(back, s_.extracted_at);
  s_.out.flush();
  s_.out.set_pointer(s_.body_pointer, at);
}

namespace {
/// "<a@b>" or "a@b", internal form.
std::string bare(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == '<' && text.back() == '>') {
    text = text.substr(1, text.size() - 2);
  }
  return mime::unquote_local(text);
}
}  // namespace

net::Task<> MilterRun::change_sender(std::string address) {
  std::string sender = co_await envelope_.rewritten_sender(std::move(address));
  long at = s_.out.record(Type::Sender, sender);
  long back = s_.out.pointer();
  s_.out.set_pointer(back, s_.sender_end);
  s_.out.flush();
  s_.out.set_pointer(s_.sender_pointer, at);
  s_.sender = std::move(sender);
}

void MilterRun::delete_recipient(std::string_view address) {
  for (auto& written : s_.written) {
    if (written.offset < 0) continue;
    if (!iequals(written.recipient, address) &&
        !iequals(written.original, address)) {
      continue;
    }
    s_.out.overwrite(written.offset,
                     std::string(1, static_cast<char>(Type::CanceledRcpt)));
    written.offset = -1;
    --s_.recipients;
  }
}

net::Task<> MilterRun::apply_envelope_edits() {
  if (envelope_edits_.empty()) co_return;
  // The records that are added must lie together: the last sender first.
  std::optional<std::string> sender;
  for (auto& edit : envelope_edits_) {
    if (edit.kind == Edit::Kind::ChangeSender) sender = bare(edit.name);
  }
  if (sender) co_await change_sender(std::move(*sender));
  long first_added = -1;
  for (auto& edit : envelope_edits_) {
    std::string address = bare(edit.name);
    if (edit.kind == Edit::Kind::DeleteRecipient) {
      delete_recipient(address);
    } else if (edit.kind == Edit::Kind::AddRecipient) {
      if (first_added < 0) first_added = s_.out.position();
      EnvelopeWriter::Recipient added;
      added.address = address;
      added.original = address;
      std::string last = s_.last_recipient;
      co_await envelope_.add_recipient(std::move(added));
      s_.last_recipient = std::move(last);
    }
  }
  if (first_added >= 0) {
    long back = s_.out.pointer();
    s_.out.set_pointer(back, s_.message_at);
    s_.out.flush();
    s_.out.set_pointer(s_.recipients_pointer, first_added);
  }
}

}  // namespace mail::cleanup
