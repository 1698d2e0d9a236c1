// doveadm pw: makes and verifies stored passwords.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/crypto/secret.h"
#include "common/sasl/password.h"
#include "tools/doveadm/auth_info.h"
#include "tools/doveadm/context.h"

namespace mail::doveadm {

namespace {

constexpr std::string_view kDefaultScheme = "CRYPT";

void list_schemes(Context& context) {
  for (std::string_view name : sasl::scheme_names()) {
    context.print(fmt::format("{} ", name));
  }
  context.print("\n");
}

/// Ends the process unless `stored` is of this password.
void verify(Context& context, const std::string& stored,
            std::string_view password, const std::string& user) {
  auto parts = sasl::split_stored(stored);
  if (!stored.starts_with('{') || parts.scheme.empty()) {
    context.fatal("Missing {scheme} prefix from hash");
  }
  if (!sasl::is_scheme(parts.scheme)) {
    context.fatal("reverse decode check failed: Unknown scheme");
  }
  auto raw = sasl::decode_stored(parts.scheme, parts.data);
  if (!raw) {
    context.fatal("reverse decode check failed: " + raw.error().what);
  }
  auto verdict = sasl::verify_password(parts.scheme, *raw, password, user);
  if (!verdict || !*verdict) {
    context.fatal(fmt::format(
        "reverse password verification check failed: {}",
        verdict ? std::string("Password mismatch") : verdict.error().what));
  }
}

int pw(Context& context) {
  std::string scheme(kDefaultScheme), test;
  std::optional<std::string> password;
  sasl::HashOptions options;
  bool check = false;
  Options letters(context, "lp:r:s:t:u:V");
  while (int letter = letters.next()) {
    switch (letter) {
      case 'l':
        list_schemes(context);
        return kOk;
      case 'p':
        password = letters.value();
        break;
      case 'r':
        options.rounds = parse_number<unsigned>(letters.value()).value_or(0);
        break;
      case 's':
        scheme = upper(letters.value());
        break;
      case 't':
        test = letters.value();
        check = true;
        break;
      case 'u':
        options.user = letters.value();
        break;
      case 'V':
        check = true;
        break;
      default:
        context.usage();
    }
  }
  auto rest = letters.rest();
  if (!rest.empty()) {
    context.error("Extraneous arguments found: " + rest[0]);
    return kUsage;
  }
  if (!test.empty()) {
    if (!password) {
      password = ask_password(context, "Enter password to verify: ");
    }
  } else if (!sasl::is_scheme(scheme)) {
    context.fatal("Unknown scheme: " + scheme);
  }
  while (!password) {
    password = ask_password(context, "Enter new password: ");
    std::string again = ask_password(context, "Retype new password: ");
    if (again == *password) break;
    context.error("Passwords don't match!");
    password.reset();
  }
  std::string stored = test;
  if (stored.empty()) {
    auto made = sasl::hash_password(scheme, *password, options);
    if (!made) context.fatal(made.error().what);
    stored = fmt::format("{{{}}}{}", scheme, *made);
  }
  if (check) verify(context, stored, *password, options.user);
  crypto::wipe(*password);
  context.print(stored + (check ? " (verified)\n" : "\n"));
  return kOk;
}

}  // namespace

std::vector<Command> pw_commands() { return {{"pw", pw}}; }

}  // namespace mail::doveadm
