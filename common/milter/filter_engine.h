#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "common/milter/packet.h"

namespace mail::milter {

/// What a filter wants of the MTA; bits as in the protocol's O packet.
struct Wishes {
  uint32_t actions = 0;   ///< edits that it makes: all must be offered
  uint32_t protocol = 0;  ///< taken as far as it is offered
  std::string end_of_header_macros;  ///< "i {auth_type}", "": the MTA's own
};

/// A filter's answer to an event.
enum class Answer { Continue, Accept, Reject, Tempfail, Discard, Skip };

/// The filter's side of one connection, as MTAs know it from libmilter:
///   O → (C H)* → M R* T L* N B* E → M ... ; A at any time; Q or K ends.
/// next() takes the packets of negotiation and macros for itself and hands on
/// the others, each to be answered once. Owns its buffers: at most one packet
/// of 1 MiB and what is given at once.
class FilterEngine {
 public:
  struct Event {
    char code = 0;          ///< C H M R T L N B E U A Q K
    std::string_view data;  ///< valid until the next receive()
  };

  explicit FilterEngine(Wishes wishes) : wishes_(std::move(wishes)) {}

  void receive(std::string_view bytes);  // any split; copied
  /// nullopt: needs bytes. Errors: Protocol; the connection is to be closed.
  Result<std::optional<Event>> next();
  /// The answer to the last event; none is sent for A, Q, K and for events
  /// whose silence was agreed, as long as it is Continue.
  void answer(Answer answer);
  /// The text that goes with Reject or Tempfail as answer to this event:
  /// code, status, text; left out if it does not fit the answer.
  void set_reply(std::string_view code, std::string_view status,
                 std::string_view text);

  /// name with or without braces, of the newest stage that tells it.
  std::optional<std::string> macro(std::string_view name) const;
  bool leading_space() const { return protocol_ & 0x100000; }
  uint32_t offered_actions() const { return offered_; }

  // Edits: false if they are not agreed, or this is not the end of a message.
  // Folds in a value are LF and blanks.
  bool insert_header(uint32_t index, std::string_view name,
                     std::string_view value);
  bool add_header(std::string_view name, std::string_view value);
  /// index: from 1. An empty value deletes.
  bool change_header(uint32_t index, std::string_view name,
                     std::string_view value);
  bool add_recipient(std::string_view address);
  bool delete_recipient(std::string_view address);
  void progress();

  /// To be sent; valid until the next call.
  std::string_view pending() const { return out_; }
  void sent(size_t n) { out_.erase(0, n); }

 private:
  static constexpr std::string_view kStages = "CHMRTLNBE";

  Result<> negotiate(std::string_view data);
  void keep_macros(std::string_view data);
  void forget_message();
  bool edit(uint32_t action, char code, std::string_view data);

  Wishes wishes_;
  std::string in_, out_;
  size_t at_ = 0;  // of in_: up to here it is done with
  char event_ = 0;
  uint32_t version_ = 0, offered_ = 0, actions_ = 0, protocol_ = 0;
  std::string reply_;
  std::array<std::string, kStages.size()> macros_;  // as they came
};

}  // namespace mail::milter
