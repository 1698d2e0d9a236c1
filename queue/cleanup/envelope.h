#pragma once

#include "queue/cleanup/state.h"

namespace mail::cleanup {

/// Takes the envelope's records, and those of the extracted segment: writes
/// what belongs into the file, rewriting and expanding addresses.
class EnvelopeWriter {
 public:
  explicit EnvelopeWriter(State& state) : s_(state) {}

  /// The first records of the file: sizes (zeros yet).
  void begin();
  /// One record before M, or (extracted) after X.
  net::Task<> take(queuefile::Type type, std::string data, bool extracted);
  /// Before M is written.
  void end();
  /// always_bcc, sender_bcc_maps, recipient_bcc_maps, BCC actions; after X.
  net::Task<> add_bcc();

  struct Recipient {
    std::string original, address, orcpt;
    int notify = 0;
  };
  /// Rewrites, maps, expands and writes a recipient.
  net::Task<> add_recipient(Recipient recipient);
  /// Rewrites the sender as the file will have it.
  net::Task<std::string> rewritten_sender(std::string address);

 private:
  net::Task<> take_sender(std::string address);
  void take_attribute(std::string_view data, bool extracted);
  void take_time(std::string_view data);
  net::Task<> add_recipient_bcc(std::string address);
  net::Task<> add_silent(std::string address);
  void write_recipient(const Recipient& recipient, const std::string& address);
  void lookup_failed(const Error& error);

  State& s_;
};

}  // namespace mail::cleanup
