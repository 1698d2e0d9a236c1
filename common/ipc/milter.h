#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// Filters that smtpd hands to cleanup amid the queue file records: after the
/// record `m COUNT` comes a MilterLists, and for each filter a MilterState in
/// the same message; cleanup answers FdReady, gets the descriptor, answers
/// FdReady again and (after the last) a Status.
struct MilterLists {
  std::string conn, helo, mail, rcpt, data, eoh, eod, unk;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("conn_macros", m.conn));
    TRY(io("helo_macros", m.helo));
    TRY(io("mail_macros", m.mail));
    TRY(io("rcpt_macros", m.rcpt));
    TRY(io("data_macros", m.data));
    TRY(io("eoh_macros", m.eoh));
    TRY(io("eod_macros", m.eod));
    return io("unk_macros", m.unk);
  }
};

struct MilterState {
  std::string name;
  int version = 0, actions = 0, events = 0, non_events = 0;
  int state = 0;  ///< milter_state below
  int conn_timeout = 0, cmd_timeout = 0, msg_timeout = 0;  ///< seconds
  std::string action;
  int has_lists = 0;
  MilterLists lists;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("milter_name", m.name));
    TRY(io("milter_version", m.version));
    TRY(io("milter_actions", m.actions));
    TRY(io("milter_events", m.events));
    TRY(io("milter_non_events", m.non_events));
    TRY(io("milter_state", m.state));
    TRY(io("milter_conn_timeout", m.conn_timeout));
    TRY(io("milter_cmd_timeout", m.cmd_timeout));
    TRY(io("milter_msg_timeout", m.msg_timeout));
    TRY(io("milter_action", m.action));
    TRY(io("milter_macro_list", m.has_lists));
    if (m.has_lists) TRY(MilterLists::fields(io, m.lists));
    return {};
  }
};
/// Where a filter's connection stands (MilterState::state).
namespace milter_state {
inline constexpr int kClosed = 1;
inline constexpr int kReady = 2;
inline constexpr int kEnvelope = 4;
inline constexpr int kMessage = 5;
inline constexpr int kAcceptConnection = 6;
inline constexpr int kAcceptMessage = 7;
inline constexpr int kRejectConnection = 8;
inline constexpr int kRejectMessage = 9;
}  // namespace milter_state

/// The first message: lists, defaults, and the first filter.
struct MilterHandover {
  MilterLists lists;
  std::vector<std::pair<std::string, std::string>> defaults;
  MilterState first;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(MilterLists::fields(io, m.lists));
    size_t size = m.defaults.size();
    TRY(io("size", size));
    if constexpr (Io::kReads) {
      if (size > 1000) return fail(Fault::Protocol, "too many macro defaults");
      for (size_t i = 0; i < size; ++i) {
        m.defaults.emplace_back(std::string(io.next_name()), "");
        TRY(io(m.defaults.back().first, m.defaults.back().second));
      }
    } else {
      for (const auto& [name, value] : m.defaults) TRY(io(name, value));
    }
    return MilterState::fields(io, m.first);
  }
};

/// "I have read all before the descriptor", and "I have it".
struct FdReady {
  std::string dummy;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    return io("dummy", m.dummy);
  }
};

}  // namespace mail::ipc
