#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/mime/mime_state.h"
#include "common/smtp/client_engine.h"
#include "delivery/smtp/config.h"

namespace mail::smtpc {

/// The message on its way into DATA: checks, generic(5) mapping, 8-bit parts
/// to quoted-printable for servers without 8BITMIME. Lines in, the engine's
/// body lines out; what needs nothing of these is passed through untouched.
class ContentWriter : public mime::MimeSink {
 public:
  /// downgrade: the server takes no 8-bit data, and the message has some.
  ContentWriter(Config& config, smtp::ClientEngine& engine, std::string id,
                bool downgrade);

  /// Lines as in a queue file; only while !passes_through().
  /// Errors: Temporary, a table failed; the log has it.
  net::Task<Result<>> line(std::string text, bool complete);
  net::Task<Result<>> finish();

  /// Nothing is to be done with the rest: the caller gives it to the engine
  /// itself, which saves a copy.
  bool passes_through() const { return !mime_; }

 private:
  struct Event {
    enum class Kind { Header, Body } kind = Kind::Body;
    mime::HeaderClass where = mime::HeaderClass::Primary;
    const mime::HeaderInfo* info = nullptr;
    std::string text;
    bool complete = true;
  };
  void on_header(mime::HeaderClass where, const mime::HeaderInfo* info,
                 std::string_view text) override;
  void on_primary_end() override { past_header_ = true; }
  void on_body(std::string_view line, bool complete) override;

  net::Task<Result<>> handle_events();
  net::Task<Result<>> header(Event& event);
  net::Task<Result<>> body(Event& event);
  void write_header(std::string_view text);

  Config& config_;
  smtp::ClientEngine& engine_;
  std::string id_;
  std::optional<mime::MimeState> mime_;
  bool watch_body_;  ///< past the primary header too
  bool past_header_ = false;
  std::vector<Event> events_;
};

}  // namespace mail::smtpc
