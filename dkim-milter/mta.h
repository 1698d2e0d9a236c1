#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail::dkim_milter {

/// What a filter answers to an event.
enum class Reply { Continue, Accept, Reject, Tempfail, Discard, Skip };

/// The MTA's side of a conversation, as one message sees it: libmilter, or
/// the printer of test mode. Edits are for the end of the message only.
class Mta {
 public:
  virtual ~Mta() = default;
  /// name: "i", "j", "{auth_type}". nullopt: the MTA does not tell.
  virtual std::optional<std::string> macro(const std::string& name) = 0;
  /// value: folds are LF and blanks; no blank in front.
  /// False: the MTA cannot be told.
  virtual bool insert_header(int index, const std::string& name,
                             const std::string& value) = 0;
  virtual bool add_header(const std::string& name,
                          const std::string& value) = 0;
  /// index: from 1, among fields of this name.
  virtual bool delete_header(const std::string& name, int index) = 0;
  virtual bool add_recipient(const std::string& address) = 0;
  virtual bool delete_recipient(const std::string& address) = 0;
  virtual void set_reply(const std::string& code, const std::string& status,
                         const std::string& text) = 0;
  /// More time is needed for the end of the message.
  virtual void progress() = 0;
  /// Header values come with all that followed the colon.
  virtual bool leading_space() const = 0;
};

}  // namespace mail::dkim_milter
