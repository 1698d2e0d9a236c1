// SEARCH (RFC 3501, 4731, 5032, 5182, 5267's PARTIAL).
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "common/imap/quote.h"
#include "common/mailview/matcher.h"
#include "common/mime/charset.h"
#include "imapd/search.h"

namespace mail::imapd {
namespace {

std::vector<uint32_t> shown_numbers(Session& session,
                                    const imap::Command& command,
                                    const std::vector<uint32_t>& uids) {
  if (is_uid_command(command)) return uids;
  std::vector<uint32_t> out;
  out.reserve(uids.size());
  for (uint32_t uid : uids) {
    if (uint32_t seq = session.selected()->seq(uid)) out.push_back(seq);
  }
  return out;
}

void put_partial(std::string& out, const imap::SearchReturn& options,
                 const std::vector<uint32_t>& numbers) {
  out += fmt::format(" PARTIAL ({}:{} ", options.partial_first,
                     options.partial_last);
  size_t first = options.partial_first - 1;
  size_t last = std::min<size_t>(options.partial_last, numbers.size());
  if (first >= last) {
    out += "NIL)";
    return;
  }
  std::vector<uint32_t> part(numbers.begin() + static_cast<ptrdiff_t>(first),
                             numbers.begin() + static_cast<ptrdiff_t>(last));
  out += imap::number_text(part) + ")";
}

void write_esearch(Session& session, const imap::Command& command,
                   const imap::SearchReturn& options, const Found& found,
                   const std::vector<uint32_t>& numbers) {
  std::string& out = session.output();
  out += "* ESEARCH (TAG ";
  imap::put_escaped(out, command.tag);
  out += ')';
  if (is_uid_command(command)) out += " UID";
  if (!numbers.empty()) {
    if (options.min) out += fmt::format(" MIN {}", numbers.front());
    if (options.max) out += fmt::format(" MAX {}", numbers.back());
    if (options.all) out += " ALL " + imap::number_text(numbers);
  }
  if (options.partial) put_partial(out, options, numbers);
  if (options.count) out += fmt::format(" COUNT {}", numbers.size());
  if (found.modseq && !numbers.empty()) {
    out += fmt::format(" MODSEQ {}", *found.modseq);
  }
  out += "\r\n";
}

/// What "$" is afterwards (RFC 5182, 2.1): with MIN or MAX alone only those.
void save_result(Session& session, const imap::SearchReturn& options,
                 const std::vector<uint32_t>& uids) {
  auto& saved = session.saved_search();
  saved.clear();
  if (uids.empty()) return;
  bool ends = (options.min || options.max) && !options.all && !options.count;
  if (!ends) {
    saved.insert(uids.begin(), uids.end());
    return;
  }
  if (options.min) saved.insert(uids.front());
  if (options.max) saved.insert(uids.back());
}

/// The result of what runs over all messages, without blocking others.
net::Task<Result<>> judge_all(Session& session, mailview::Matcher& matcher,
                              Found& found) {
  mailbox::Mailbox& box = *session.selected();
  std::vector<uint32_t> view = box.uids();
  if (matcher.matches_all()) {
    std::erase_if(view, [&](uint32_t uid) { return !box.find(uid); });
    found.uids = std::move(view);
    co_return Result<>{};
  }
  for (uint32_t i = 0; i < view.size(); ++i) {
    auto matched = matcher.matches(i + 1, view[i]);
    bool hit = CO_TRY(matched);
    if (hit) found.uids.push_back(view[i]);
    if (i % 64 == 63) co_await session.share();
    if (session.ending()) break;
  }
  co_return Result<>{};
}

}  // namespace

net::Task<Found> run_search(Session& session, const imap::Command& command,
                            size_t at, std::string charset) {
  Found found;
  mailbox::Mailbox& box = *session.selected();
  const auto& view = box.uids();
  imap::SearchLimits limits{box.count(), view.empty() ? 0 : view.back()};
  auto program = imap::parse_search(command.args, at, limits);
  if (!program) {
    found.error = Reply::bad(program.error().what);
    co_return found;
  }
  if (!mime::is_known_charset(charset)) {
    found.error = Reply::no("[BADCHARSET] Unknown charset");
    co_return found;
  }
  mailview::Matcher matcher(box, session.message(), session.saved_search(),
                            std::move(*program), charset, std::time(nullptr));
  auto judged = co_await judge_all(session, matcher, found);
  session.message().close();
  if (!judged) found.error = session.failure(judged.error());
  found.modseq = matcher.modseq();
  if (found.modseq) session.enable_condstore(true);
  found.gone = session.ending();
  co_return found;
}

void write_found(Session& session, const imap::Command& command,
                 const imap::SearchReturn& options, const Found& found,
                 std::string_view name) {
  auto numbers = shown_numbers(session, command, found.uids);
  if (options.save) save_result(session, options, found.uids);
  bool esearch = options.min || options.max || options.all || options.count ||
                 options.partial;
  if (options.given) {
    if (esearch) write_esearch(session, command, options, found, numbers);
    return;
  }
  std::string& out = session.output();
  out += "* ";
  out += name;
  for (uint32_t n : numbers) {
    out += ' ';
    imap::put_number(out, n);
  }
  if (found.modseq && !numbers.empty()) {
    out += fmt::format(" (MODSEQ {})", *found.modseq);
  }
  out += "\r\n";
}

net::Task<Reply> cmd_search(Session& session, const imap::Command& command) {
  size_t at = 0;
  auto options = imap::parse_search_return(command.args, at);
  if (!options) co_return Reply::bad(options.error().what);
  std::string charset = "UTF-8";
  if (at < command.args.size() && command.args[at].is_atom("CHARSET")) {
    if (at + 1 >= command.args.size() || !command.args[at + 1].is_astring()) {
      co_return Reply::bad("Invalid charset argument.");
    }
    charset = command.args[at + 1].text;
    at += 2;
  }
  Found found = co_await run_search(session, command, at, charset);
  if (!found.error.text.empty()) {
    if (options->save && found.error.kind == Reply::Kind::No) {
      session.saved_search().clear();
    }
    co_return found.error;
  }
  write_found(session, command, *options, found, "SEARCH");
  Reply reply = Reply::ok("Search completed", is_uid_command(command)
                                                  ? Reply::Sync::All
                                                  : Reply::Sync::HoldExpunges);
  reply.uids = is_uid_command(command);
  co_return reply;
}

}  // namespace mail::imapd
