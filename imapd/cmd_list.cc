// LIST with LIST-EXTENDED, LIST-STATUS, SPECIAL-USE; LSUB; XLIST (RFC 3501,
// 5258, 5819, 6154).
#include "common/base/ascii.h"
#include "common/imap/quote.h"
#include "common/mailbox/name.h"
#include "imapd/command.h"

namespace mail::imapd {
namespace {

struct Request {
  mailbox::ListOptions options;
  bool extended = false;  // LIST-EXTENDED syntax was used
  bool return_special_use = false;
  bool return_status = false;
  bool lsub = false;
  StatusItems status;
  std::string reference;
  std::vector<std::string> patterns;
};

Result<> selection(const imap::Args& list, Request& request) {
  request.extended = true;
  request.options.return_children = false;
  for (const imap::Arg& word : list) {
    if (word.is_atom("SUBSCRIBED")) {
      request.options.only_subscribed = true;
      request.options.return_subscribed = true;
    } else if (word.is_atom("RECURSIVEMATCH")) {
      request.options.recursive_match = true;
    } else if (word.is_atom("SPECIAL-USE")) {
      request.options.only_special_use = true;
      request.return_special_use = true;
    } else if (!word.is_atom("REMOTE")) {
      return fail(Fault::Protocol, "Unknown select options");
    }
  }
  if (request.options.recursive_match && !request.options.only_subscribed) {
    return fail(Fault::Protocol,
                "RECURSIVEMATCH must not be the only selection.");
  }
  return {};
}

Result<> returns(const imap::Args& list, Request& request) {
  request.extended = true;
  request.options.return_children = false;
  for (size_t i = 0; i < list.size(); ++i) {
    const imap::Arg& word = list[i];
    if (word.is_atom("CHILDREN")) {
      request.options.return_children = true;
    } else if (word.is_atom("SUBSCRIBED")) {
      request.options.return_subscribed = true;
    } else if (word.is_atom("SPECIAL-USE")) {
      request.return_special_use = true;
    } else if (word.is_atom("STATUS")) {
      if (++i == list.size() || !list[i].is_list()) {
        return fail(Fault::Protocol, "STATUS parameter missing");
      }
      request.status = TRY(parse_status_items(list[i]));
      request.return_status = true;
    } else {
      return fail(Fault::Protocol, "Unknown return options");
    }
  }
  return {};
}

Result<std::string> utf8_pattern(std::string_view text) {
  // Wildcards are no part of mUTF-7's base64: the pattern converts as a name.
  auto name = mailbox::from_mutf7(text);
  if (!name) return std::string(text);
  return *name;
}

Result<Request> parse_list(const imap::Args& args) {
  Request request;
  size_t at = 0;
  if (at < args.size() && args[at].is_list()) {
    TRY(selection(args[at].list, request));
    ++at;
  }
  if (at >= args.size() || !args[at].is_astring()) {
    return fail(Fault::Protocol, "Invalid reference");
  }
  request.reference = TRY(utf8_pattern(args[at++].text));
  if (at >= args.size()) return fail(Fault::Protocol, "Invalid pattern");
  if (args[at].is_list()) {
    request.extended = true;
    request.options.return_children = false;
    for (const imap::Arg& pattern : args[at].list) {
      if (!pattern.is_astring()) {
        return fail(Fault::Protocol, "Invalid pattern list.");
      }
      request.patterns.push_back(TRY(utf8_pattern(pattern.text)));
    }
  } else {
    request.patterns.push_back(TRY(utf8_pattern(args[at].text)));
  }
  ++at;
  if (at < args.size() && args[at].is_atom("RETURN")) {
    if (at + 1 >= args.size() || !args[at + 1].is_list()) {
      return fail(Fault::Protocol, "Invalid return options");
    }
    TRY(returns(args[at + 1].list, request));
  }
  return request;
}

void put_separator(std::string& out, char separator) {
  out += '"';
  if (separator == '\\' || separator == '"') out += '\\';
  out += separator;
  out += "\" ";
}

/// The attributes in the original's order.
void put_attributes(std::string& out, const mailbox::ListEntry& entry,
                    const Request& request) {
  out += '(';
  size_t begin = out.size();
  auto add = [&](std::string_view word) {
    if (out.size() != begin) out += ' ';
    out += word;
  };
  if (request.lsub && !request.options.return_children) {
    if (!entry.subscribed) add("\\Noselect");
    if (!entry.special_use.empty()) add(entry.special_use);
    out += ')';
    return;
  }
  if (entry.subscribed && request.options.return_subscribed) {
    add("\\Subscribed");
  }
  if (request.extended && entry.non_existent) {
    add("\\NonExistent");
  } else if (entry.no_select || entry.non_existent) {
    add("\\Noselect");
  }
  if (entry.no_inferiors) {
    add("\\NoInferiors");
  } else if (entry.has_children) {
    add(*entry.has_children ? "\\HasChildren" : "\\HasNoChildren");
  }
  if (entry.marked) add(*entry.marked ? "\\Marked" : "\\UnMarked");
  if (!entry.special_use.empty()) add(entry.special_use);
  out += ')';
}

void put_entry(std::string& out, std::string_view command,
               const mailbox::ListEntry& entry, const Request& request) {
  out += "* ";
  out += command;
  out += ' ';
  put_attributes(out, entry, request);
  out += ' ';
  put_separator(out, entry.separator);
  put_mailbox_name(out, entry.name);
  if (request.options.recursive_match && entry.child_subscribed &&
      !request.lsub) {
    out += " (CHILDINFO (\"SUBSCRIBED\"))";
  }
  out += "\r\n";
}

/// LIST "" "": the root of the reference's namespace.
void put_root(Session& session, std::string_view command,
              const Request& request) {
  std::string& out = session.output();
  std::string prefix;
  char separator = session.storage().separator();
  for (const auto& space : session.storage().namespaces()) {
    if (!space.prefix.empty() && request.reference.starts_with(space.prefix)) {
      prefix = space.prefix;
      separator = space.separator;
    }
  }
  out += "* ";
  out += command;
  out += " (\\Noselect) ";
  put_separator(out, separator);
  if (prefix.empty()) {
    out += "\"\"";
  } else {
    put_mailbox_name(out, prefix);
  }
  out += "\r\n";
}

net::Task<Reply> run(Session& session, Request request,
                     std::string_view command, std::string done) {
  if (!request.extended && request.patterns[0].empty() && !request.lsub) {
    put_root(session, command, request);
    co_return Reply::ok(std::move(done));
  }
  auto entries = session.storage().list(request.reference, request.patterns,
                                        request.options);
  if (!entries) co_return session.failure(entries.error());
  for (const auto& entry : *entries) {
    put_entry(session.output(), command, entry, request);
    if (request.return_status && !entry.no_select && !entry.non_existent) {
      std::string shown;
      put_mailbox_name(shown, entry.name);
      auto written = write_status(session, entry.name, shown, request.status);
      if (!written) (void)session.failure(written.error());
    }
    bool alive = co_await session.breathe();
    if (!alive) break;
  }
  co_return Reply::ok(std::move(done));
}

}  // namespace

net::Task<Reply> cmd_list(Session& session, const imap::Command& command) {
  auto request = parse_list(command.args);
  if (!request) co_return Reply::bad(request.error().what);
  Reply reply =
      co_await run(session, std::move(*request), "LIST", "List completed");
  co_return reply;
}

net::Task<Reply> cmd_xlist(Session& session, const imap::Command& command) {
  auto request = parse_list(command.args);
  if (!request) co_return Reply::bad(request.error().what);
  Reply reply =
      co_await run(session, std::move(*request), "LIST", "List completed");
  co_return reply;
}

net::Task<Reply> cmd_lsub(Session& session, const imap::Command& command) {
  if (command.args.empty() || !command.args[0].is_astring()) {
    co_return Reply::bad("Invalid reference");
  }
  if (command.args.size() < 2 || !command.args[1].is_astring()) {
    co_return Reply::bad("Invalid pattern");
  }
  Request request;
  request.lsub = true;
  request.options.only_subscribed = true;
  request.options.return_children = session.config().tb_lsub_flags;
  auto reference = utf8_pattern(command.args[0].text);
  request.reference = *reference;
  auto pattern = utf8_pattern(command.args[1].text);
  // "%" stops above what is subscribed: such parents are shown.
  request.options.recursive_match = pattern->find('*') == std::string::npos &&
                                    pattern->find('%') != std::string::npos;
  request.patterns.push_back(*pattern);
  Reply reply =
      co_await run(session, std::move(request), "LSUB", "Lsub completed");
  co_return reply;
}

}  // namespace mail::imapd
