#include "authd/auth.h"

#include <fmt/format.h>

#include "authd/fields.h"
#include "authd/log_lines.h"
#include "common/base/ascii.h"
#include "common/crypto/secret.h"
#include "common/sasl/password.h"

namespace mail::authd {

namespace {

/// What of a request a database that refuses must not have changed.
struct Snapshot {
  ExtraFields extra, userdb;
  bool prefetched, no_password, nodelay;
  std::string user, login_user;

  static Snapshot of(const Request& r) {
    return {r.extra,   r.userdb, r.userdb_prefetched, r.no_password,
            r.nodelay, r.user,   r.login_user};
  }
  void restore(Request& r) {
    r.extra = std::move(extra);
    r.userdb = std::move(userdb);
    r.userdb_prefetched = prefetched;
    r.no_password = no_password;
    r.nodelay = nodelay;
    r.user = std::move(user);
    r.login_user = std::move(login_user);
  }
};

ipc::TabFields templates(const std::string& text, const Request& request) {
  ipc::TabFields out;
  for (auto& [name, value] : expand_fields(text, request)) {
    out.set(name, value);
  }
  return out;
}

bool glob(std::string_view pattern, std::string_view text) {
  while (!pattern.empty()) {
    if (pattern[0] == '*') {
      pattern.remove_prefix(1);
      for (size_t i = 0; i <= text.size(); ++i) {
        if (glob(pattern, text.substr(i))) return true;
      }
      return false;
    }
    if (text.empty() || (pattern[0] != '?' && pattern[0] != text[0])) {
      return false;
    }
    pattern.remove_prefix(1);
    text.remove_prefix(1);
  }
  return text.empty();
}

void debug(const Request& request, std::string_view who,
           std::string_view text) {
  if (request.settings->debug) log_lines::debug(request.line(who, text));
}

}  // namespace

Step step_of(std::string_view rule) {
  Step out;
  out.stop = rule.starts_with("return");
  if (rule.ends_with("-ok")) out.success = true;
  if (rule.ends_with("-fail")) out.success = false;
  return out;
}

bool matches_filter(std::string_view filter, std::string_view user) {
  bool has_positive = false, matched = false;
  for (std::string_view pattern : split(filter, ", ")) {
    bool negative = pattern.starts_with('!');
    if (negative) pattern.remove_prefix(1);
    bool hit = glob(pattern, user);
    if (negative && hit) return false;
    if (!negative) {
      has_positive = true;
      matched = matched || hit;
    }
  }
  return matched || !has_positive;
}

Result<std::unique_ptr<Auth>> Auth::make(
    std::shared_ptr<const Settings> settings) {
  std::unique_ptr<Auth> out(new Auth(settings));
  for (const auto& one : settings->passdbs) {
    auto id = static_cast<unsigned>(out->passdbs_.size());
    out->passdbs_.push_back(TRY(make_passdb(one, id)));
  }
  for (const auto& one : settings->userdbs) {
    auto id = static_cast<unsigned>(out->userdbs_.size());
    out->userdbs_.push_back(TRY(make_userdb(one, id)));
  }
  return out;
}

bool Auth::can_look_up() const {
  for (const auto& passdb : passdbs_) {
    if (passdb->looks_up() && !passdb->settings().deny) return true;
  }
  return false;
}

bool Auth::applies(const Passdb& passdb, const Request& request,
                   const Ask& ask) const {
  const DatabaseSettings& rules = passdb.settings();
  if (rules.skip == "authenticated" && request.passdb_success) return false;
  if (rules.skip == "unauthenticated" && !request.passdb_success) return false;
  if (!rules.mechanisms.empty()) {
    bool listed = false;
    std::string_view mine = request.mechanism.empty() ? std::string_view("none")
                                                      : request.mechanism;
    for (std::string_view name : split(rules.mechanisms)) {
      listed = listed || iequals(name, mine);
    }
    if (!listed) return false;
  }
  if (!rules.username_filter.empty() &&
      !matches_filter(rules.username_filter, request.user)) {
    return false;
  }
  bool needs_lookup = ask.want != Want::Verify;
  return !needs_lookup || passdb.looks_up();
}

net::Task<PassAnswer> Auth::fetch(Passdb& passdb, Request& request, Ask& ask) {
  bool verify = ask.want == Want::Verify && !passdb.settings().deny &&
                !request.passdb_success;
  std::string key;
  Cache::Entry* entry = nullptr;
  bool expired = false;
  if (cache_ && !passdb.cache_key().empty()) {
    key = Cache::make_key('P', passdb.id(), passdb.cache_key(), request);
    entry = cache_->find(key, Clock::now(), &expired);
  }
  if (entry && !expired) {
    PassAnswer answer = entry->pass;
    if (entry->negative || !verify) co_return answer;
    bool succeeded = entry->last_success;
    answer.result = PassResult::Ok;
    co_await calls_->check(passdb, request, answer, ask.password);
    // The password may have been changed since it was right the last time.
    if (answer.result == PassResult::Ok || !succeeded) {
      entry = cache_->find(key, Clock::now(), &expired);
      if (entry) entry->last_success = answer.result == PassResult::Ok;
      co_return answer;
    }
  }
  PassAnswer answer;
  if (verify) {
    answer = co_await calls_->verify(passdb, request, ask.password);
  } else {
    answer = co_await calls_->look_up(passdb, request);
  }
  if (key.empty()) co_return answer;
  if (answer.result == PassResult::InternalFailure) {
    entry = cache_->find(key, Clock::now(), &expired);
    if (!entry) co_return answer;
    log_lines::info(request.line(passdb.log_name(),
                                 "Falling back to expired data from cache"));
    answer = entry->pass;
    if (verify && !entry->negative) {
      answer.result = PassResult::Ok;
      co_await calls_->check(passdb, request, answer, ask.password);
    }
    co_return answer;
  }
  Cache::Entry fresh;
  fresh.pass = answer;
  fresh.name = request.user;
  fresh.negative = answer.result == PassResult::UnknownUser;
  fresh.last_success = answer.result == PassResult::Ok;
  bool has_data = answer.result == PassResult::Ok ||
                  (answer.result == PassResult::Mismatch && answer.stored);
  if (verify && answer.result == PassResult::Ok && !answer.stored &&
      !passdb.looks_up()) {
    // PAM tells no hash: keep one of our own of what was right.
    auto hash = sasl::hash_password("SSHA256", ask.password, {});
    if (hash) {
      fresh.pass.scheme = "SSHA256";
      fresh.pass.stored = *hash;
    }
  }
  if (has_data || fresh.negative) {
    cache_->put(key, std::move(fresh), Clock::now());
  }
  co_return answer;
}

net::Task<PassResult> Auth::one(Passdb& passdb, Request& request, Ask& ask) {
  const DatabaseSettings& rules = passdb.settings();
  debug(request, passdb.log_name(), "Performing passdb lookup");
  Snapshot before = Snapshot::of(request);
  if (!rules.default_fields.empty()) {
    (void)apply_pass_fields(request, templates(rules.default_fields, request),
                            passdb.log_name());
  }
  PassAnswer answer = co_await fetch(passdb, request, ask);
  PassResult result = answer.result;
  if (result == PassResult::Ok) {
    auto why = apply_pass_fields(request, answer.fields, passdb.log_name());
    if (why) result = *why;
    if (!rules.override_fields.empty()) {
      why =
          apply_pass_fields(request, templates(rules.override_fields, request),
                            passdb.log_name());
      if (why) result = *why;
    }
  }
  // A worker's answer names the user, which is not shown twice, but shows.
  if (result == PassResult::Ok && passdb.blocking()) {
    request.extra.set("user", request.user, true);
  }
  if (result == PassResult::Ok && ask.want != Want::Verify && answer.stored &&
      !rules.deny) {
    std::string stored_as = answer.scheme;
    auto raw = sasl::decode_stored(stored_as, *answer.stored);
    if (!sasl::is_scheme(stored_as)) {
      log_lines::error(
          request.line(passdb.log_name(), "Unknown scheme " + stored_as));
      result = PassResult::NoScheme;
    } else if (!raw) {
      log_lines::error(request.line(
          passdb.log_name(),
          fmt::format("Password data is not valid for scheme {}: {}", stored_as,
                      raw.error().what)));
      result = PassResult::NoScheme;
    } else if (ask.want == Want::Credentials) {
      auto made = sasl::credentials_for(ask.scheme, stored_as, *raw,
                                        request.translated);
      if (made) {
        ask.raw = std::move(*made);
      } else {
        if (log_lines::verbose(request, &rules)) {
          log_lines::info(request.line(
              passdb.log_name(),
              fmt::format("Requested {} scheme, but we have only {}",
                          ask.scheme, stored_as)));
        }
        result = PassResult::NoScheme;
      }
    }
  } else if (result == PassResult::Ok && ask.want == Want::Credentials &&
             !rules.deny && !answer.fields.has("nopassword")) {
    log_lines::info(request.line(passdb.log_name(),
                                 "No password returned (and no nopassword)"));
    result = PassResult::Mismatch;
  }
  if (result != PassResult::Ok) {
    std::string reason(answer.fields.get("reason"));
    before.restore(request);
    if (!passdb.looks_up() && !reason.empty()) {
      request.extra.set("reason", reason);  // PAM's own words
    }
  }
  debug(request, passdb.log_name(), "Finished passdb lookup");
  if (answer.stored) crypto::wipe(*answer.stored);
  co_return result;
}

net::Task<PassResult> Auth::walk(Request& request, Ask& ask, bool masters) {
  bool success = false, internal = false;
  PassResult last = PassResult::UnknownUser;
  std::string_view last_name = "auth";
  for (auto& passdb : passdbs_) {
    const DatabaseSettings& rules = passdb->settings();
    if (rules.master != masters) continue;
    if (!applies(*passdb, request, ask)) continue;
    ask.supported = ask.supported || !rules.deny;
    PassResult result = co_await one(*passdb, request, ask);
    last_name = passdb->log_name();
    if (rules.deny) {
      if (result == PassResult::UnknownUser) continue;
      log_lines::info(
          request.line(passdb->log_name(), "User found from deny passdb"));
      co_return PassResult::UserDisabled;
    }
    if (result == PassResult::UserDisabled ||
        result == PassResult::PassExpired) {
      co_return result;
    }
    std::string_view rule = rules.result_failure;
    if (result == PassResult::Ok) rule = rules.result_success;
    if (result == PassResult::InternalFailure) {
      rule = rules.result_internalfail;
      internal = true;
    }
    if (result != PassResult::Ok) last = result;
    if (result == PassResult::Ok && request.no_authenticate) {
      if (request.settings->debug) {
        log_lines::debug("Not performing authentication (noauthenticate set)");
      }
      rule = "continue";
    }
    Step step = step_of(rule);
    if (step.success) success = *step.success;
    request.passdb_success = success;
    if (step.stop) break;
  }
  if (success) co_return PassResult::Ok;
  if (request.no_authenticate) {
    log_lines::error(request.line(last_name,
                                  "Last passdb had noauthenticate field, "
                                  "cannot authenticate user"));
    co_return PassResult::InternalFailure;
  }
  co_return internal ? PassResult::InternalFailure : last;
}

/// The master proves himself; then the user must be known where that is asked.
net::Task<PassResult> Auth::master(Request& request, Ask& ask) {
  bool check_user = false;
  for (const auto& passdb : passdbs_) {
    const DatabaseSettings& rules = passdb->settings();
    check_user = check_user ||
                 (rules.master &&
                  (rules.pass || rules.result_success.starts_with("continue")));
  }
  PassResult result = co_await walk(request, ask, true);
  if (result != PassResult::Ok) co_return result;
  log_lines::info(
      fmt::format("Master user logging in as {}", request.login_user));
  request.become_login_user();
  if (!check_user) co_return PassResult::Ok;
  request.passdb_success = false;
  Ask fields{.want = Want::Fields, .password = {}, .scheme = {}, .raw = {}};
  result = co_await walk(request, fields, false);
  if (result == PassResult::UnknownUser && !fields.supported) {
    log_lines::error(
        request.line("auth",
                     "passdb doesn't support lookups, can't verify user's "
                     "existence"));
    co_return PassResult::InternalFailure;
  }
  // The master is who he says, but there is nobody to become.
  if (result != PassResult::Ok) request.code = ipc::kCodeAuthzFail;
  co_return result;
}

net::Task<PassResult> Auth::authenticate(Request& request,
                                         std::string_view password) {
  Ask ask{.want = Want::Verify, .password = password, .scheme = {}, .raw = {}};
  PassResult result;
  if (!request.login_user.empty()) {
    result = co_await master(request, ask);
    co_return result;
  }
  result = co_await walk(request, ask, false);
  if (result == PassResult::Ok && !request.login_user.empty()) {
    log_lines::info(
        fmt::format("Master user logging in as {}", request.login_user));
    request.become_login_user();
  }
  co_return result;
}

net::Task<Auth::Credentials> Auth::credentials(Request& request,
                                               std::string_view scheme) {
  Ask ask{
      .want = Want::Credentials, .password = {}, .scheme = scheme, .raw = {}};
  Credentials out;
  out.result = co_await walk(request, ask, !request.login_user.empty());
  out.raw = std::move(ask.raw);
  co_return out;
}

net::Task<PassResult> Auth::look_up_fields(Request& request) {
  Ask ask{.want = Want::Fields, .password = {}, .scheme = {}, .raw = {}};
  PassResult result = co_await walk(request, ask, false);
  if (!ask.supported) co_return PassResult::NoScheme;
  if (result == PassResult::Ok && !request.login_user.empty()) {
    request.become_login_user();  // a field said so
  }
  co_return result;
}

net::Task<UserAnswer> Auth::fetch(Userdb& userdb, Request& request) {
  std::string key;
  bool expired = false;
  if (cache_ && !userdb.cache_key().empty()) {
    key = Cache::make_key('U', userdb.id(), userdb.cache_key(), request);
    Cache::Entry* entry = cache_->find(key, Clock::now(), &expired);
    if (entry && !expired) co_return entry->user;
  }
  UserAnswer answer = co_await calls_->look_up(userdb, request);
  if (key.empty()) co_return answer;
  if (answer.result == UserResult::InternalFailure) {
    Cache::Entry* entry = cache_->find(key, Clock::now(), &expired);
    if (!entry) co_return answer;
    log_lines::info(request.line(userdb.log_name(),
                                 "Falling back to expired data from cache"));
    co_return entry->user;
  }
  Cache::Entry fresh;
  fresh.user = answer;
  fresh.name = request.user;
  fresh.negative = answer.result == UserResult::UnknownUser;
  cache_->put(key, std::move(fresh), Clock::now());
  co_return answer;
}

net::Task<UserResult> Auth::one(Userdb& userdb, Request& request,
                                bool verified) {
  const DatabaseSettings& rules = userdb.settings();
  debug(request, userdb.log_name(), "Performing userdb lookup");
  if (userdb.needs_existence_check() && !verified) {
    Request probe = request;
    PassResult known = co_await look_up_fields(probe);
    if (known == PassResult::NoScheme) {
      log_lines::error(request.line(
          userdb.log_name(),
          "passdb doesn't support lookups, can't verify user's existence"));
      co_return UserResult::InternalFailure;
    }
    if (known == PassResult::InternalFailure) {
      co_return UserResult::InternalFailure;
    }
    if (known != PassResult::Ok) co_return UserResult::UnknownUser;
  }
  ExtraFields before = request.userdb;
  if (!rules.default_fields.empty()) {
    (void)apply_user_fields(request, templates(rules.default_fields, request),
                            userdb.log_name());
  }
  UserAnswer answer = co_await fetch(userdb, request);
  UserResult result = answer.result;
  if (result == UserResult::Ok &&
      !apply_user_fields(request, answer.fields, userdb.log_name())) {
    result = UserResult::InternalFailure;
  }
  if (result == UserResult::Ok && !rules.override_fields.empty() &&
      !apply_user_fields(request, templates(rules.override_fields, request),
                         userdb.log_name())) {
    result = UserResult::InternalFailure;
  }
  if (result == UserResult::Ok && request.userdb.has("tempfail")) {
    result = UserResult::InternalFailure;
  }
  if (result != UserResult::Ok) request.userdb = std::move(before);
  debug(request, userdb.log_name(), "Finished userdb lookup");
  co_return result;
}

net::Task<UserResult> Auth::look_up_user(Request& request, bool verified) {
  bool success = false, internal = false;
  for (auto& userdb : userdbs_) {
    const DatabaseSettings& rules = userdb->settings();
    if (rules.skip == "found" && success) continue;
    if (rules.skip == "notfound" && !success) continue;
    UserResult result = co_await one(*userdb, request, verified);
    std::string_view rule = rules.result_failure;
    if (result == UserResult::Ok) rule = rules.result_success;
    if (result == UserResult::InternalFailure) {
      rule = rules.result_internalfail;
      internal = true;
    }
    Step step = step_of(rule);
    if (step.success) success = *step.success;
    if (step.stop) break;
  }
  if (success) co_return UserResult::Ok;
  co_return internal ? UserResult::InternalFailure : UserResult::UnknownUser;
}

net::Task<Calls::Listed> Auth::list(Request& request) {
  Calls::Listed out;
  out.complete = !userdbs_.empty();
  for (auto& userdb : userdbs_) {
    Calls::Listed part = co_await calls_->list(*userdb, request);
    out.complete = out.complete && part.complete;
    for (auto& name : part.users) out.users.push_back(std::move(name));
  }
  co_return out;
}

}  // namespace mail::authd
