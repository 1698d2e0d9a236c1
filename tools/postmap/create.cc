#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/maps/builder.h"
#include "common/maps/rhs_file.h"
#include "common/maps/source.h"
#include "tools/postmap/request.h"

namespace mail::postmap {
namespace {

namespace flag = maps::flag;

constexpr size_t kMostHeap = size_t{512} << 20;

Result<std::string> read_all(int fd, const std::string& path) {
  std::string text;
  struct stat status{};
  if (::fstat(fd, &status) == 0)
    text.resize(static_cast<size_t>(status.st_size));
  text.resize(text.size() + 65536);
  size_t have = 0;
  while (true) {
    ssize_t got = ::read(fd, text.data() + have, text.size() - have);
    if (got < 0) return fail_errno("read " + path, errno);
    if (got == 0) break;
    have += static_cast<size_t>(got);
    if (have == text.size()) text.resize(have * 2);
  }
  text.resize(have);
  return text;
}

/// Where entries go: a new database, or a table that is there (-i).
struct Target {
  std::unique_ptr<maps::Builder> builder;
  std::unique_ptr<maps::Table> table;

  Result<> add(std::string_view key, std::string_view value) {
    if (builder != nullptr) return builder->add(key, value);
    TRY(table->update(key, value));
    return {};
  }
  Result<> finish() {
    return builder != nullptr ? builder->finish() : table->flush();
  }
};

class Creator {
 public:
  Creator(const Context& context, const TableName& name)
      : context_(context), name_(name) {}
  Result<int> run();

 private:
  bool incremental() const { return context_.request.incremental; }
  Result<std::string> open_source();
  Result<Target> open_target();
  Result<> add(Target& target, maps::SourceEntry entry);
  Result<> add_alias_marks(Target& target);

  const Context& context_;
  const TableName& name_;
  mode_t mask_ = 022;
};

// As root the file's owner makes the database, so that it is theirs.
Result<std::string> Creator::open_source() {
  if (incremental()) return read_all(0, "stdin");
  UniqueFd fd(::open(name_.name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + name_.name, errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) < 0) {
    return fail_errno("fstat " + name_.name, errno);
  }
  if (!context_.request.plain_mode && S_ISREG(status.st_mode)) {
    mask_ = 022 | (~status.st_mode & 077);
  }
  if (!context_.request.keep_root && ::geteuid() == 0 && status.st_uid != 0) {
    if (::setegid(status.st_gid) < 0 || ::seteuid(status.st_uid) < 0) {
      return fail_errno("set effective owner of " + name_.name, errno);
    }
  }
  // The text, its entries, and the database that becomes of them.
  if (S_ISREG(status.st_mode)) {
    prepare_heap(std::min(static_cast<size_t>(status.st_size) * 5, kMostHeap));
  }
  return read_all(fd.get(), name_.name);
}

Result<Target> Creator::open_target() {
  Target target;
  maps::OpenOptions open = context_.open;
  if (!incremental()) {
    target.builder = TRY(maps::Builder::begin(
        name_.type, name_.name, {open, static_cast<mode_t>(0644 & ~mask_)}));
    return target;
  }
  if (name_.type != "hash" && name_.type != "btree" && name_.type != "lmdb") {
    // Gives the reason why it cannot be made.
    TRY(maps::Builder::begin(name_.type, name_.name, {open, 0644}));
  }
  open.mode = O_RDWR | O_CREAT;
  open.flags |= flag::kOpenLock | flag::kBulk;
  target.table = TRY(maps::open_table(name_.text(), open));
  return target;
}

Result<> Creator::add(Target& target, maps::SourceEntry entry) {
  if (context_.request.files) {
    auto value = maps::encode_files(entry.value);
    if (!value) {
      context_.warn(fmt::format("{}, line {}: {}: skipping this entry",
                                name_.name, entry.line, value.error().what));
      return {};
    }
    entry.value = std::move(*value);
  }
  if (entry.key.empty()) {
    context_.warn(fmt::format("table {}: empty lookup key value is not allowed",
                              name_.text()));
  }
  return target.add(entry.key, entry.value);
}

// What sendmail, NIS and their tools look for in an alias database.
Result<> Creator::add_alias_marks(Target& target) {
  TRY(target.add("@", "@"));
  if (target.builder == nullptr) return {};
  auto now = std::chrono::duration_cast<std::chrono::seconds>(
      WallClock::now().time_since_epoch());
  target.builder->add_raw("YP_LAST_MODIFIED",
                          fmt::format("{:010}", now.count()));
  target.builder->add_raw("YP_MASTER_NAME", context_.host_name);
  return {};
}

Result<int> Creator::run() {
  std::string text = TRY(open_source());
  ::umask(mask_);
  Target target = TRY(open_target());
  ::umask(022);
  if (target.builder != nullptr) target.builder->expect(text.size());
  bool utf8 = (context_.open.flags & flag::kUtf8Request) != 0;
  maps::MapSource::Options options{utf8, /*texthash=*/false, context_.warn};
  std::string path = incremental() ? "stdin" : name_.name;
  if (context_.request.program == Program::Postalias) {
    maps::AliasSource source(text, path, options);
    while (auto entry = source.next()) TRY(add(target, std::move(*entry)));
    if (!incremental()) TRY(add_alias_marks(target));
  } else {
    maps::MapSource source(text, path, options);
    while (auto entry = source.next()) TRY(add(target, std::move(*entry)));
  }
  TRY(target.finish());
  return 0;
}

}  // namespace

Result<int> create(const Context& context, const TableName& table) {
  return Creator(context, table).run();
}

}  // namespace mail::postmap
