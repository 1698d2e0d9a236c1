#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ascii.h"

namespace mail::imap {

/// One argument of a command.
struct Arg {
  enum class Kind : uint8_t { Nil, Atom, Quoted, Literal, List };
  Kind kind = Kind::Nil;
  std::string text;       ///< of Atom (as written), Quoted, Literal; "NIL"
  std::vector<Arg> list;  ///< of List

  bool is_list() const { return kind == Kind::List; }
  bool is_atom() const { return kind == Kind::Atom || kind == Kind::Nil; }
  /// string of the grammar: quoted or literal.
  bool is_string() const {
    return kind == Kind::Quoted || kind == Kind::Literal;
  }
  /// astring of the grammar; NIL counts as the atom it is.
  bool is_astring() const { return !is_list(); }
  bool is_atom(std::string_view word) const {
    return is_atom() && iequals(text, word);
  }
};
using Args = std::vector<Arg>;

/// Why a command's arguments could not be read, in the original's words:
/// "Missing ')'", "8bit data in atom", ...
struct ArgError {
  std::string what;
  bool fatal = false;  ///< "* BYE", the connection cannot go on
};

/// Reads arguments from `text`, which begins behind a command's name.
///   Args to the end of the line: `end` is the offset behind its LF.
///   More bytes are needed: `need` is how many `text` must have at least.
///     For each of `sync_literals` the client waits for "+ OK" once.
///   A literal that is not to be read here (stop_after): `literal` holds it,
///     `end` is the offset behind its line.
class ArgReader {
 public:
  struct Literal {
    uint64_t size = 0;
    bool sync = true;
    bool binary = false;
  };
  struct Options {
    size_t max_line = 65536;  ///< a line, and a literal's size
    size_t max_depth = 100;   ///< nested lists
    /// APPEND: do not read a literal behind so many arguments.
    std::optional<size_t> stop_after;
    bool literal_minus = false;
  };
  explicit ArgReader(const Options& options) : options_(options) {}

  enum class State { Complete, NeedMore, AtLiteral, Failed };
  State read(std::string_view text);

  Args args;
  ArgError error;
  size_t end = 0;   ///< Failed: where the bad line ends, if it has
  size_t need = 0;  ///< NeedMore
  std::optional<Literal> literal;  ///< AtLiteral
  size_t sync_literals = 0;        ///< whose announcement was read

 private:
  State fail(std::string_view what, bool fatal = false);
  bool read_value(std::string_view text);
  bool read_atom(std::string_view text, std::vector<Arg>& into);
  bool read_quoted(std::string_view text, std::vector<Arg>& into);
  bool read_literal(std::string_view text, std::vector<Arg>& into);
  std::vector<Arg>& target() { return *lists_.back(); }

  Options options_;
  size_t at_ = 0;
  State state_ = State::NeedMore;
  std::vector<std::vector<Arg>*> lists_;
};

}  // namespace mail::imap
