#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/maps/table.h"

namespace mail::net {
class Loop;
}

namespace mail::postmap {

/// postmap(1) works on pairs, postalias(1) on aliases.
enum class Program { Postmap, Postalias };

/// The command line.
struct Request {
  Program program = Program::Postmap;
  std::string config_directory;
  std::optional<std::string> query, remove;          ///< -q, -d
  bool sequence = false;                             ///< -s
  bool incremental = false;                          ///< -i
  bool headers = false, body = false, mime = false;  ///< -h -b -m
  bool keep_root = false;                            ///< -o
  bool plain_mode = false;                           ///< -p
  bool files = false;                                ///< -F
  int verbose = 0;
  enum class Utf8 { AsConfigured, Never, Always } utf8 = Utf8::AsConfigured;
  int flags = maps::flag::kLock | maps::flag::kFoldFix | maps::flag::kDupWarn;
  std::vector<std::string> tables;
};

/// Errors: Config, the text after "fatal: ". getopt's own messages go to
/// standard error before it.
Result<Request> parse_request(Program program, int argc, char** argv);

/// What all actions need.
struct Context {
  Request request;
  maps::OpenOptions open;    ///< flags, caches, UTF-8, where warnings go
  std::string default_type;  ///< default_database_type
  std::string host_name;     ///< for YP_MASTER_NAME
  std::function<Result<>(std::string_view)> write;  ///< standard output
  std::function<void(std::string_view)> warn;
  net::Loop* loop = nullptr;  ///< for proxy tables
};

struct TableName {
  std::string type, name;
  std::string text() const { return type + ":" + name; }
};
/// "type:name", or a file of the default type.
TableName table_name(const Context& context, const std::string& text);

// The actions give the exit status. Errors: text after "fatal: ".

Result<int> create(const Context& context, const TableName& table);
Result<int> query(const Context& context, const std::string& key);
/// Keys, or with -h -b the lines of a message, from standard input.
Result<int> query_input(const Context& context);
Result<int> remove(const Context& context, const std::string& key);
Result<int> remove_input(const Context& context);
Result<int> list(const Context& context, const TableName& table);

}  // namespace mail::postmap
