#include "common/smtp/server_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace mail::smtp {
namespace {

constexpr size_t kIdleCapacity = 4096;

bool allowed_before_tls(Verb verb) {
  switch (verb) {
    case Verb::Helo:
    case Verb::Ehlo:
    case Verb::Lhlo:
    case Verb::Xclient:
    case Verb::StartTls:
    case Verb::Noop:
    case Verb::Quit:
      return true;
    default:
      return false;
  }
}

/// RFC 2920, 3.1: the client must wait for the answer to these.
bool ends_group(Verb verb) {
  switch (verb) {
    case Verb::Mail:
    case Verb::Rcpt:
    case Verb::Rset:
    case Verb::Bdat:
    case Verb::Xforward:
      return false;
    default:
      return true;
  }
}

bool needs_idle(Verb verb) {
  return verb == Verb::Auth || verb == Verb::Etrn || verb == Verb::Xclient ||
         verb == Verb::Xforward;
}

}  // namespace

ServerEngine::ServerEngine(const ServerLimits& limits) : limits_(limits) {
  limits_.commands.protocol = limits_.protocol;
}

size_t ServerEngine::receive(std::string_view bytes) {
  if (closed_) return bytes.size();
  if (std::holds_alternative<Tls>(state_)) {
    discarded_plaintext_ = discarded_plaintext_ || !bytes.empty();
    return bytes.size();
  }
  if (consumed_ == input_.size()) {
    input_.clear();
  } else {
    input_.erase(0, consumed_);
  }
  consumed_ = 0;
  size_t limit = kInputLimit + limits_.line_length;
  size_t room = limit - std::min(limit, input_.size());
  size_t taken = std::min(room, bytes.size());
  input_.append(bytes.substr(0, taken));
  return taken;
}

std::string_view ServerEngine::unread() const {
  return std::string_view(input_).substr(consumed_);
}

std::string_view ServerEngine::pending() const {
  return std::string_view(output_).substr(sent_);
}

void ServerEngine::sent(size_t n) {
  sent_ += n;
  if (sent_ < output_.size()) return;
  output_.clear();
  sent_ = 0;
}

void ServerEngine::say(const Reply& reply) {
  reply.append_to(output_);
  closed_ = closed_ || reply.hangup;
}

std::optional<ServerEvent> ServerEngine::next_event() {
  if (closed_ || asked_ != Asked::None) return std::nullopt;
  if (auto* body = std::get_if<Body>(&state_)) return next_body(*body);
  if (auto* chunk = std::get_if<Chunk>(&state_)) return next_chunk(*chunk);
  if (std::holds_alternative<Sasl>(state_)) return next_sasl();
  if (std::holds_alternative<Tls>(state_)) return std::nullopt;
  return next_command();
}

/// Moves one line to line_, without its end and cut at `limit`.
bool ServerEngine::take_line(size_t limit) {
  if (!mid_line_) {
    line_.clear();
    line_cut_ = false;
  }
  mid_line_ = true;
  std::string_view rest = unread();
  size_t end = rest.find('\n');
  std::string_view part = rest.substr(0, end);
  // Two more, for the CR of the end, before the cut.
  size_t room = limit + 2 - std::min(limit + 2, line_.size());
  line_cut_ = line_cut_ || part.size() > room;
  line_.append(part.substr(0, room));
  if (end == std::string_view::npos) {
    consumed_ = input_.size();
    return false;
  }
  consumed_ += end + 1;
  mid_line_ = false;
  line_bare_ = line_.empty() || line_.back() != '\r' || line_cut_;
  if (limits_.bare_newline == BareNewline::Allow) {
    while (!line_.empty() && line_.back() == '\r') line_.pop_back();
  } else if (!line_bare_) {
    line_.pop_back();
  }
  line_cut_ = line_cut_ || line_.size() > limit;
  if (line_.size() > limit) line_.resize(limit);
  return true;
}

std::optional<ServerEvent> ServerEngine::next_sasl() {
  if (!take_line(limits_.sasl_response)) return std::nullopt;
  asked_ = Asked::Sasl;
  return AuthResponse{line_, line_cut_};
}

std::optional<ServerEvent> ServerEngine::next_command() {
  if (!take_line(limits_.line_length)) {
    // Idle clients hold no buffer of the size that content needs.
    if (input_.capacity() > kIdleCapacity) {
      std::string().swap(input_);
      consumed_ = 0;
    }
    return std::nullopt;
  }
  ParsedCommand parsed = parse_command(line_, limits_.commands);
  verb_ = parsed.verb;
  if (line_bare_ && limits_.bare_newline == BareNewline::Reject) {
    return refuse(
        hangup({limits_.bare_newline_code, "5.5.2",
                fmt::format("{} Error: bare <LF> received", limits_.host)}));
  }
  note_pipelining();
  auto* bdat = std::get_if<Command>(&parsed.result) == nullptr
                   ? nullptr
                   : std::get_if<Bdat>(std::get_if<Command>(&parsed.result));
  // The data of a chunk follows whatever is said about it.
  if (bdat != nullptr) return start_bdat(*bdat);
  if (auto reply = too_early(verb_)) return refuse(*std::move(reply));
  if (auto reply = out_of_sequence(verb_)) return refuse(*std::move(reply));
  if (auto* reply = std::get_if<Reply>(&parsed.result)) {
    return refuse(std::move(*reply));
  }
  return start_command(std::get<Command>(std::move(parsed.result)));
}

void ServerEngine::note_pipelining() {
  if (unread().empty()) return;
  if (ends_group(verb_) || !esmtp_) improper_pipelining_ = true;
}

/// What must have happened before a command of any kind.
std::optional<Reply> ServerEngine::too_early(Verb verb) const {
  if (tls_required_ && !allowed_before_tls(verb)) {
    return Reply(530, "5.7.0", "Must issue a STARTTLS command first");
  }
  bool needs_helo = verb == Verb::Mail || verb == Verb::Rcpt ||
                    verb == Verb::Etrn || verb == Verb::Auth;
  bool required = limits_.helo_required || limits_.protocol == Protocol::Lmtp;
  if (needs_helo && required && !said_helo_) {
    if (limits_.protocol == Protocol::Lmtp) {
      return Reply(503, "5.5.1", "Error: send LHLO first");
    }
    return Reply(503, "5.5.1", "Error: send HELO/EHLO first");
  }
  return std::nullopt;
}

std::optional<Reply> ServerEngine::out_of_sequence(Verb verb) const {
  if (verb == Verb::Mail && in_mail_) {
    return Reply(503, "5.5.1", "Error: nested MAIL command");
  }
  if (verb == Verb::Rcpt || verb == Verb::Data) {
    if (chunks_ || chunks_failed_) {
      return Reply(503, "5.5.1",
                   fmt::format("Error: {} after BDAT", verb_name(verb)));
    }
    if (verb == Verb::Rcpt && !in_mail_) {
      return Reply(503, "5.5.1", "Error: need MAIL command");
    }
    if (verb == Verb::Data && !in_mail_) {
      return Reply(503, "5.5.1", "Error: need RCPT command");
    }
    if (verb == Verb::Data && recipients_ == 0) {
      return Reply(554, "5.5.1", "Error: no valid recipients");
    }
  }
  if (in_mail_ && needs_idle(verb)) {
    std::string_view status = verb == Verb::Etrn ? "" : "5.5.1";
    return Reply(503, status, "Error: MAIL transaction in progress");
  }
  return std::nullopt;
}

ServerEvent ServerEngine::refuse(Reply reply) {
  asked_ = Asked::Refused;
  return Refused{verb_, std::move(reply)};
}

ServerEvent ServerEngine::start_command(Command command) {
  asked_ = Asked::Answer;
  return command;
}

void ServerEngine::answer(const Reply& reply) {
  CHECK(asked_ != Asked::None);
  bool silent = false;
  if (asked_ == Asked::BodyEnd && answers_left_ > 1) {
    --answers_left_;
    say(reply);
    return;
  }
  Asked asked = std::exchange(asked_, Asked::None);
  if (asked == Asked::BodyEnd) {
    end_transaction();
  } else if (asked == Asked::Answer) {
    auto* chunk = std::get_if<Chunk>(&state_);
    if (chunk != nullptr) {
      silent = true;
      if (reply.code == 354) {
        chunks_.emplace(limits_.bare_newline, limits_.line_length);
      } else {
        chunk->refused = true;
        chunk_reply_ = reply;
      }
    } else {
      accept(reply);
    }
  } else if (asked == Asked::Sasl && reply.code != 334) {
    state_ = Commands{};
  } else if (asked == Asked::ChunkEnd && !reply.positive()) {
    drop_chunks();
  }
  if (!silent) say(reply);
}

/// What an answer to a command changes.
void ServerEngine::accept(const Reply& reply) {
  if (verb_ == Verb::Quit && reply.positive()) closed_ = true;
  if (verb_ == Verb::Data && reply.code == 354) {
    body_bytes_ = 0;
    state_ = Body{BodyReader(limits_.bare_newline, limits_.line_length)};
  } else if (verb_ == Verb::Auth && reply.code == 334) {
    state_ = Sasl{};
  } else if (reply.code >= 200 && reply.code < 300) {
    accept_positive();
  }
}

void ServerEngine::accept_positive() {
  switch (verb_) {
    case Verb::Helo:
    case Verb::Ehlo:
    case Verb::Lhlo:
      end_transaction();
      said_helo_ = true;
      esmtp_ = verb_ != Verb::Helo;
      break;
    case Verb::Mail:
      in_mail_ = true;
      break;
    case Verb::Rcpt:
      ++recipients_;
      break;
    case Verb::Rset:
      end_transaction();
      break;
    case Verb::StartTls:
      discarded_plaintext_ = !unread().empty();
      input_.clear();
      consumed_ = 0;
      state_ = Tls{};
      break;
    default:
      break;
  }
}

void ServerEngine::end_transaction() {
  in_mail_ = false;
  recipients_ = 0;
  chunks_.reset();
  chunk_tail_.clear();
  chunks_failed_ = false;
}

void ServerEngine::reset_session() {
  end_transaction();
  said_helo_ = esmtp_ = false;
}

void ServerEngine::tls_started() {
  CHECK(std::holds_alternative<Tls>(state_));
  state_ = Commands{};
  improper_pipelining_ = false;
  reset_session();
}

}  // namespace mail::smtp
