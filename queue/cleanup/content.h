#pragma once

#include "common/mime/mime_state.h"
#include "queue/cleanup/checks.h"
#include "queue/cleanup/state.h"

namespace mail::cleanup {

/// The message's content: header rewriting and completion, header and body
/// checks, MIME limits. Lines in, records into the file.
///   begin(); for each N or L record: co_await line(...); co_await end();
class ContentWriter : public mime::MimeSink {
 public:
  explicit ContentWriter(State& state);
  void begin();
  net::Task<> line(std::string_view text, bool complete);
  /// The same for a line that nobody looks at, by far the most of a large
  /// message, without a task. False: it is one for line().
  bool pass(std::string_view text, bool complete);
  net::Task<> end();
  /// The primary header as the file has it, for milters: each header whole,
  /// lines parted by LF.
  std::vector<std::string>& headers() { return headers_; }
  /// The first header of the file is our Received: header.
  bool past_header() const { return past_header_; }

 private:
  struct Event {
    enum class Kind { Header, PrimaryEnd, Body } kind;
    mime::HeaderClass header_class{};
    const mime::HeaderInfo* info = nullptr;
    std::string text;
    bool complete = true;
  };
  void on_header(mime::HeaderClass kind, const mime::HeaderInfo* info,
                 std::string_view text) override;
  void on_primary_end() override;
  void on_body(std::string_view line, bool complete) override;

  net::Task<> handle_events();
  net::Task<> header(Event event);
  net::Task<> primary_end();
  net::Task<> body(std::string text, bool complete);
  net::Task<std::string> rewritten(const mime::HeaderInfo& info,
                                   std::string text);
  void inspect(const Event& event);
  void write_header(std::string_view text);
  void add_missing_headers();
  void check_mime_error();
  bool completes_headers() const;
  std::optional<Rewriter::Context> rewrite_context() const;
  std::string_view cleaned(std::string_view text);

  State& s_;
  Checks checks_;
  std::optional<mime::MimeState> mime_;
  std::vector<Event> events_;
  std::vector<std::string> headers_;  ///< kept for milters only
  std::string scratch_;
  bool past_header_ = false;
  bool watching_ = true;  ///< every line goes through mime_
  bool multipart_ = false;
  bool keeps_checks_ = false;
  size_t body_seen_ = 0;  ///< bytes given to body_checks
  size_t received_ = 0;
  // Which headers the message has.
  std::set<mime::HeaderId> seen_;
  bool resent_ = false, has_recipient_header_ = false,
       logged_message_id_ = false;
};

/// 8-bit content needs 8bit announced: "8bit" or "binary" in a
/// Content-Transfer-Encoding header.
bool is_8bit_encoding(std::string_view header);

}  // namespace mail::cleanup
