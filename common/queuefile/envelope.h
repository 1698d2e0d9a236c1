#pragma once

#include <vector>

#include "common/queuefile/walker.h"

namespace mail::queuefile {

/// The first record of a finished file: six numbers "%15ld", one blank
/// between. Zeros while the file is being written.
struct Sizes {
  long content_size = 0;    ///< bytes from after M to before X, with framing
  long content_offset = 0;  ///< where the content starts
  long recipient_count = 0;
  long qmgr_flags = 0;      ///< qmgr_flag
  long content_length = 0;  ///< size after edits
  long smtputf8 = 0;        ///< 1 requested, 2 header, 4 sender, 8 recipient
};
namespace qmgr_flag {
inline constexpr long kReadAll = 1;  // recipients stand among other records
inline constexpr long kNever = 2, kSuccess = 4, kFailure = 8, kDelay = 16;
}  // namespace qmgr_flag
inline constexpr size_t kSizesLength = 6 * 15 + 5;

std::string format_sizes(const Sizes& sizes);
/// Takes files of older versions, with fewer numbers, too. Errors: Protocol.
Result<Sizes> parse_sizes(std::string_view data);

/// A recipient and where its record stands (to be marked done there).
struct FileRecipient {
  long offset = 0;
  std::string original_recipient;
  std::string dsn_orig_rcpt;  ///< "rfc822;a@b", empty if not given
  int notify_flags = 0;       ///< 1 never, 2 success, 4 failure, 8 delay
  std::string recipient;
  bool done = false;
};

/// What a queue file says beside its recipients and content. Strings are
/// empty and numbers 0 where the file says nothing.
struct Envelope {
  std::optional<Sizes> sizes;  ///< none in maildrop files
  long arrival_sec = 0, arrival_usec = 0;
  long create_time = 0;
  std::optional<std::string> sender;  ///< "" is <>
  std::string full_name, encoding, log_ident, rewrite_context;
  std::string log_client_name, log_client_address, log_client_port,
      log_message_origin, log_helo_name, log_protocol_name;
  std::string client_name, reverse_client_name, client_address, client_port,
      server_address, server_port, helo_name, protocol_name,
      client_address_type;
  std::string sasl_method, sasl_username, sasl_sender;
  std::string envelope_id;  ///< DSN ENVID
  int ret_flags = 0;        ///< DSN RET: 1 full, 2 headers
  int trace_flags = 0;
  long trace_flags_offset = 0;  ///< of its record: killed after the report
  int cleanup_flags = 0;        ///< Type::Flags
  std::string redirect_to, content_filter, verp_delimiters;
  long warning_time = 0;          ///< 0: none
  long warning_offset = 0;        ///< of its record
  uint64_t content_offset = 0;    ///< just after M, 0: not reached
  uint64_t extracted_offset = 0;  ///< of X, 0: not reached
};

/// Gives an attribute to its member of `envelope`; false: not one of those.
/// Errors: Protocol, a number is asked and something else stands there.
Result<bool> set_attribute(Envelope& envelope, std::string_view name,
                           std::string_view value);

enum class Wanted { NotDone, All };

/// Reads the envelope and the extracted segment of one queue file, in as many
/// calls as the caller likes; the file may be closed between them:
///   Envelope --M--> (content is skipped) --X--> Extracted --E--> finished
/// Strict: any record out of its place, and any cut file, is an error.
class EnvelopeParser {
 public:
  explicit EnvelopeParser(Wanted wanted = Wanted::NotDone) : wanted_(wanted) {}

  /// Appends at most `limit` recipients to `out`, from where the last call
  /// stopped. Stops when it has them or when the file is read.
  /// Errors: Protocol naming the offset; those of the source.
  Result<> read(Source& source, size_t limit, std::vector<FileRecipient>& out);

  bool finished() const { return place_ == Place::Finished; }
  /// Where the next read() starts.
  uint64_t position() const { return position_; }
  /// Complete (sender, times, ...) once finished(), or once the content was
  /// reached if Sizes does not say qmgr_flag::kReadAll.
  const Envelope& envelope() const { return envelope_; }
  Envelope& envelope() { return envelope_; }

 private:
  enum class Place { Envelope, Extracted, Finished };
  Result<> take(const PlacedRecord& record, std::vector<FileRecipient>& out);
  Result<> take_attribute(const PlacedRecord& record);
  Result<bool> take_recipient(const PlacedRecord& record,
                              std::vector<FileRecipient>& out);
  Result<> take_number(const PlacedRecord& record);
  Result<> skip_content(Walker& walker, const PlacedRecord& record);

  Wanted wanted_;
  Place place_ = Place::Envelope;
  uint64_t position_ = 0;
  Envelope envelope_;
  FileRecipient pending_;  // what stands before its recipient record
};

}  // namespace mail::queuefile
