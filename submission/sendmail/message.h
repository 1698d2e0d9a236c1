#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/queuefile/record.h"
#include "submission/sendmail/options.h"

namespace mail::sendmail {

/// Who calls.
struct Caller {
  std::string name;       ///< login name, default sender
  std::string full_name;  ///< of the user database
  long uid = 0;
};

/// The envelope records that come before the content: what the options and
/// the recipients on the command line say.
/// Errors: Config, an address that is none.
Result<std::string> envelope_records(const Options& options,
                                     const Caller& caller,
                                     std::vector<std::string>& warnings);

/// How line ends are mended (sendmail_fix_line_endings).
enum class LineEndings { Always, Strict, Never };

/// Turns the text on standard input into content records, any chunking:
/// skips "From " lines in front, ends at a lone dot if so asked, and, with -t,
/// collects the recipients of the header.
class ContentWriter {
 public:
  ContentWriter(const Options& options, LineEndings endings, size_t line_limit);
  void receive(std::string_view bytes, std::string& out);
  /// The end of input: M and X are the caller's.
  void finish(std::string& out);
  /// A lone dot has been seen; the rest is not for us.
  bool ended() const { return ended_; }
  /// Recipients of the header (To, Cc, Bcc; their Resent- forms instead if
  /// there is any Resent- header), internal form.
  std::vector<std::string> recipients() const;

 private:
  void take_line(std::string_view line, bool has_newline, std::string& out);
  void take_header();
  bool extract_, dot_ends_;
  LineEndings endings_;
  size_t line_limit_;
  std::string partial_;
  bool mid_line_ = false;  // the front of this line has been written
  bool first_ = true, ended_ = false, in_header_ = true, resent_ = false;
  bool strip_cr_ = true;
  std::string header_;
  std::vector<std::string> plain_, resent_to_;
};

/// X, the recipients found in the header, E.
void append_end(const Options& options,
                const std::vector<std::string>& extracted, std::string& out);

/// Whole address list of a command line argument, internal form.
std::vector<std::string> addresses_of(std::string_view text);

}  // namespace mail::sendmail
