#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/maps/table.h"

// One opener for each type; `name` is what follows "type:". For open.cc.
namespace mail::maps {

using Opened = Result<std::unique_ptr<Table>>;

Opened open_hash(const std::string& name, const OpenOptions& options);
Opened open_btree(const std::string& name, const OpenOptions& options);
Opened open_lmdb(const std::string& name, const OpenOptions& options);
Opened open_texthash(const std::string& name, const OpenOptions& options);
Opened open_inline(const std::string& name, const OpenOptions& options);
Opened open_internal(const std::string& name, const OpenOptions& options);
Opened open_static(const std::string& name, const OpenOptions& options);
Opened open_environ(const std::string& name, const OpenOptions& options);
Opened open_fail(const std::string& name, const OpenOptions& options);
Opened open_unix(const std::string& name, const OpenOptions& options);
Opened open_regexp(const std::string& name, const OpenOptions& options);
Opened open_pcre(const std::string& name, const OpenOptions& options);
Opened open_cidr(const std::string& name, const OpenOptions& options);
Opened open_pipemap(const std::string& name, const OpenOptions& options);
Opened open_unionmap(const std::string& name, const OpenOptions& options);
Opened open_randmap(const std::string& name, const OpenOptions& options);
Opened open_proxy(const std::string& name, const OpenOptions& options);

/// `hash:x map requires O_RDONLY access mode`, for tables nobody writes.
Result<> read_only(std::string_view type_name, const OpenOptions& options);

/// The items of "{a, b, {c d}}", outer braces of items taken off. nullopt:
/// not such a list, or an empty one.
std::optional<std::vector<std::string>> braced_items(std::string_view name);

}  // namespace mail::maps
