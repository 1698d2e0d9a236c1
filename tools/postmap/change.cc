#include <fcntl.h>
#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/maps/rhs_file.h"
#include "tools/postmap/input.h"
#include "tools/postmap/request.h"

// -d and -s.
namespace mail::postmap {
namespace {

namespace flag = maps::flag;

Result<std::unique_ptr<maps::Table>> open_writable(const Context& context,
                                                   const std::string& text) {
  maps::OpenOptions open = context.open;
  open.mode = O_RDWR;
  open.flags |= flag::kOpenLock | flag::kBulk;
  TableName name = table_name(context, text);
  // Its failure is one of the lookups, not of being opened.
  if (name.type == "fail") open.mode = O_RDONLY;
  return maps::open_table(name.text(), open);
}

Failure failed(const Context& context, const maps::Table& table,
               std::string_view operation, const Error& error) {
  if (error.fault == Fault::Config) return fail(error);
  for (std::string_view line : split(error.what, "\n")) context.warn(line);
  return fail(Fault::Temporary,
              fmt::format("table {}: {} error: {}", table.name(), operation,
                          "Application error"));
}

Result<bool> remove_from(const Context& context, maps::Table& table,
                         std::string_view key) {
  auto removed = table.remove(key);
  if (!removed) return failed(context, table, "delete", removed.error());
  return *removed;
}

}  // namespace

Result<int> remove(const Context& context, const std::string& key) {
  bool any = false;
  for (const std::string& text : context.request.tables) {
    auto table = TRY(open_writable(context, text));
    any |= TRY(remove_from(context, *table, key));
    TRY(table->flush());
    if (any) break;
  }
  return any ? 0 : 1;
}

Result<int> remove_input(const Context& context) {
  std::vector<std::unique_ptr<maps::Table>> tables;
  for (const std::string& text : context.request.tables) {
    tables.push_back(TRY(open_writable(context, text)));
  }
  bool any = false;
  Result<> state;
  TRY(for_each_line([&](std::string_view key) {
    for (auto& table : tables) {
      auto removed = remove_from(context, *table, key);
      if (!removed) {
        state = fail(removed.error());
        return false;
      }
      any |= *removed;
    }
    return true;
  }));
  if (!state) return fail(std::move(state).error());
  for (auto& table : tables) TRY(table->flush());
  return any ? 0 : 1;
}

Result<int> list(const Context& context, const TableName& name) {
  auto table = TRY(maps::open_table(name.text(), context.open));
  bool alias = context.request.program == Program::Postalias;
  for (auto entry = table->first();; entry = table->next()) {
    if (!entry) return failed(context, *table, "sequence", entry.error());
    if (!*entry) return 0;
    std::string value = (*entry)->second;
    if (context.request.files) {
      value = TRY(maps::decode_value(*table, value));
    }
    TRY(context.write(
        fmt::format("{}{}\t{}\n", (*entry)->first, alias ? ":" : "", value)));
  }
}

}  // namespace mail::postmap
