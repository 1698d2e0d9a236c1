// passdb static: the same answer for everybody.
#include "authd/passdb/drivers.h"
#include "common/base/ascii.h"
#include "common/sasl/password.h"

namespace mail::authd {

namespace {

class StaticPassdb : public Passdb {
 public:
  StaticPassdb(const DatabaseSettings& settings, unsigned id)
      : Passdb(settings, id), key_(settings.args) {}

  std::string_view cache_key() const override { return key_; }

  PassAnswer look_up(const Request& request) override {
    PassAnswer out;
    out.result = PassResult::Ok;
    out.scheme = "PLAIN";
    for (auto& [name, value] : expand_fields(settings().args, request)) {
      if (name != "password") {
        out.fields.set(name, value);
        continue;
      }
      auto stored = sasl::split_stored(value);
      if (!stored.scheme.empty()) out.scheme = stored.scheme;
      out.stored = std::string(stored.data);
    }
    return out;
  }

 private:
  std::string key_;
};

}  // namespace

Result<std::unique_ptr<Passdb>> make_static_passdb(
    const DatabaseSettings& settings, unsigned id) {
  return std::make_unique<StaticPassdb>(settings, id);
}

}  // namespace mail::authd
