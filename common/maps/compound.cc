#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/crypto/random.h"
#include "common/maps/types.h"

// Tables made of tables: pipemap, unionmap; and randmap.
namespace mail::maps {
namespace {

using Members = std::vector<std::unique_ptr<Table>>;

class Compound : public Table {
 public:
  Compound(std::string name, const OpenOptions& options, Members members)
      : Table(std::move(name), options, kind_of(members)),
        members_(std::move(members)) {}
  bool remote() const override {
    for (const auto& member : members_) {
      if (member->remote()) return true;
    }
    return false;
  }
  void refresh(Instant now) override {
    for (const auto& member : members_) member->refresh(now);
  }

 protected:
  // The first member decides about partial keys.
  static int kind_of(const Members& members) {
    return members.front()->flags() & (flag::kFixed | flag::kPattern);
  }
  Result<Found> get(std::string_view) override {
    return fail(Fault::Temporary, name_ + ": a member must be asked first");
  }
  Members members_;
};

class Pipe : public Compound {
 public:
  using Compound::Compound;

 protected:
  Result<Found> get(std::string_view key) override {
    std::string at(key);
    for (const auto& member : members_) {
      auto found = TRY(member->lookup(at));
      if (!found) return Found();
      at = std::move(*found);
    }
    return Found(std::move(at));
  }
  net::Task<Result<Found>> get_remote(std::string key) override {
    for (const auto& member : members_) {
      auto got = co_await member->ask(key);
      auto found = CO_TRY(got);
      if (!found) co_return Found();
      key = std::move(*found);
    }
    co_return Found(std::move(key));
  }
};

class Union : public Compound {
 public:
  using Compound::Compound;

 protected:
  Result<Found> get(std::string_view key) override {
    Found all;
    for (const auto& member : members_) {
      add(all, TRY(member->lookup(key)));
    }
    return all;
  }
  net::Task<Result<Found>> get_remote(std::string key) override {
    Found all;
    for (const auto& member : members_) {
      auto got = co_await member->ask(key);
      add(all, CO_TRY(got));
    }
    co_return all;
  }

 private:
  static void add(Found& all, Found one) {
    if (!one) return;
    if (all) {
      *all += "," + *one;
    } else {
      all = std::move(one);
    }
  }
};

class Random : public Table {
 public:
  Random(std::string name, const OpenOptions& options,
         std::vector<std::string> values)
      : Table(std::move(name), options, flag::kPattern),
        values_(std::move(values)) {}

 protected:
  Result<Found> get(std::string_view) override {
    return Found(
        values_[crypto::random_below(static_cast<uint32_t>(values_.size()))]);
  }

 private:
  std::vector<std::string> values_;
};

Failure syntax(std::string_view type, std::string_view name,
               std::string_view need) {
  return fail(Fault::Config,
              fmt::format("bad syntax: \"{0}:{1}\"; need \"{0}:{{{2}...}}\"",
                          type, name, need));
}

template <class T>
Opened open_compound(std::string_view type, const std::string& name,
                     const OpenOptions& options) {
  std::string title = fmt::format("{}:{}", type, name);
  TRY(read_only(title, options));
  if (name.size() < 2 || name.front() != '{' || name.back() != '}') {
    return syntax(type, name, "type:name");
  }
  Members members;
  std::string_view inside = std::string_view(name).substr(1, name.size() - 2);
  for (std::string_view item : split_braced(inside)) {
    if (item.find(':') == item.npos) return syntax(type, name, "type:name");
    members.push_back(TRY(open_table(item, options)));
  }
  if (members.empty()) return syntax(type, name, "type:name");
  return Opened(std::make_unique<T>(title, options, std::move(members)));
}

}  // namespace

Opened open_pipemap(const std::string& name, const OpenOptions& options) {
  return open_compound<Pipe>("pipemap", name, options);
}

Opened open_unionmap(const std::string& name, const OpenOptions& options) {
  return open_compound<Union>("unionmap", name, options);
}

Opened open_randmap(const std::string& name, const OpenOptions& options) {
  TRY(read_only("randmap:" + name, options));
  auto values = braced_items(name);
  if (!values) return syntax("randmap", name, "value");
  return Opened(
      std::make_unique<Random>("randmap:" + name, options, std::move(*values)));
}

}  // namespace mail::maps
