// Message content: DATA and BDAT (RFC 5321, 3.3; RFC 3030).
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/smtp/server_engine.h"

namespace mail::smtp {

std::optional<ServerEvent> ServerEngine::next_body(Body& body) {
  if (body.reader.finished()) {
    bool bare = body.reader.bare_newline();
    state_ = Commands{};
    return end_of_body(std::nullopt, bare);
  }
  std::string_view rest = unread();
  size_t taken = body.reader.read(rest, BodyReader::Framing::Dot,
                                  /*end_of_chunk=*/false);
  consumed_ += taken;
  body_bytes_ += static_cast<int64_t>(taken);
  auto lines = body.reader.lines();
  if (!lines.empty()) return BodyLines{lines};
  if (body.reader.finished()) return next_body(body);
  return std::nullopt;
}

ServerEvent ServerEngine::end_of_body(std::optional<int64_t> last_chunk,
                                      bool bare) {
  asked_ = Asked::BodyEnd;
  answers_left_ =
      limits_.protocol == Protocol::Lmtp ? std::max<size_t>(recipients_, 1) : 1;
  return BodyEnd{last_chunk, bare};
}

/// Why a chunk is not wanted, if it is not.
std::optional<Reply> ServerEngine::chunk_refusal(const Bdat& bdat) const {
  if (auto reply = too_early(Verb::Bdat)) return reply;
  if (chunks_failed_) {
    return Reply(
        551, "5.0.0",
        fmt::format("Discarded {} bytes after earlier error", bdat.size));
  }
  if (!in_mail_) return Reply(503, "5.5.1", "Error: need RCPT command");
  if (recipients_ == 0) {
    return Reply(554, "5.5.1", "Error: no valid recipients");
  }
  if (bdat.size == 0 && !bdat.last) {
    return Reply(551, "5.7.1", "Null BDAT request");
  }
  return std::nullopt;
}

std::optional<ServerEvent> ServerEngine::start_bdat(const Bdat& bdat) {
  chunk_reply_ = chunk_refusal(bdat);
  bool first = !chunks_;
  Chunk chunk{bdat.size, static_cast<size_t>(bdat.size), bdat.last,
              chunk_reply_.has_value()};
  if (!chunk.refused && !chunk_tail_.empty()) {
    // The line goes on where the last chunk left it.
    chunk.left += chunk_tail_.size();
    input_.insert(consumed_, chunk_tail_);
  }
  chunk_tail_.clear();
  state_ = chunk;
  if (chunk.refused) return drop_chunk(std::get<Chunk>(state_));
  if (!first) return next_chunk(std::get<Chunk>(state_));
  body_bytes_ = 0;
  asked_ = Asked::Answer;
  return Command(bdat);
}

std::optional<ServerEvent> ServerEngine::drop_chunk(Chunk& chunk) {
  size_t taken = std::min(chunk.left, unread().size());
  consumed_ += taken;
  chunk.left -= taken;
  if (chunk.left > 0) return std::nullopt;
  bool last = chunk.last;
  state_ = Commands{};
  drop_chunks();
  if (last) chunks_failed_ = false;
  return refuse(std::exchange(chunk_reply_, std::nullopt).value_or(Reply()));
}

/// Chunks up to the last are refused from now on.
void ServerEngine::drop_chunks() {
  chunks_.reset();
  chunk_tail_.clear();
  chunks_failed_ = true;
}

std::optional<ServerEvent> ServerEngine::next_chunk(Chunk& chunk) {
  if (chunk.refused) return drop_chunk(chunk);
  std::string_view data = unread().substr(0, chunk.left);
  bool all = data.size() == chunk.left;
  size_t taken = chunks_->read(data, BodyReader::Framing::Chunk,
                               /*end_of_chunk=*/all && chunk.last);
  consumed_ += taken;
  chunk.left -= taken;
  body_bytes_ += static_cast<int64_t>(taken);
  auto lines = chunks_->lines();
  if (!lines.empty()) return BodyLines{lines};
  if (!all) return std::nullopt;
  chunk_tail_ = unread().substr(0, chunk.left);
  consumed_ += chunk.left;
  body_bytes_ += static_cast<int64_t>(chunk.left);
  int64_t size = chunk.size;
  bool last = chunk.last;
  state_ = Commands{};
  if (last) {
    bool bare = chunks_->bare_newline();
    chunks_.reset();
    return end_of_body(size, bare);
  }
  asked_ = Asked::ChunkEnd;
  return ChunkEnd{size};
}

}  // namespace mail::smtp
