#include "authd/worker_protocol.h"

#include <fmt/format.h>

#include "common/base/number.h"
#include "common/crypto/digest.h"

namespace mail::authd {

namespace {

constexpr std::string_view kKinds[] = {"PASSV", "PASSL", "USER", "LIST"};

/// What a database may ask of a request, as fields.
ipc::TabFields export_request(const Request& request) {
  ipc::TabFields out;
  out.set("user", request.user);
  if (request.user_known) out.set("known");
  out.set("translated", request.translated);
  if (request.original) out.set("original", *request.original);
  if (!request.login_user.empty()) out.set("login_user", request.login_user);
  if (!request.master_user.empty()) out.set("master_user", request.master_user);
  if (!request.mechanism.empty()) out.set("mech", request.mechanism);
  for (const auto& field : request.extra.all()) {
    out.set("passdb_" + field.name, field.value);
  }
  for (const auto& field : request.userdb.all()) {
    out.set("userdb_" + field.name, field.value);
  }
  return out;
}

void import_field(Request& request, const ipc::TabField& field) {
  std::string value = field.value.value_or("");
  std::string_view name = field.name;
  if (name == "user")
    request.user = value;
  else if (name == "known")
    request.user_known = true;
  else if (name == "translated")
    request.translated = value;
  else if (name == "original")
    request.original = value;
  else if (name == "login_user")
    request.login_user = value;
  else if (name == "master_user")
    request.master_user = value;
  else if (name == "mech")
    request.mechanism = value;
  else if (name.starts_with("passdb_"))
    request.extra.set(name.substr(7), value);
  else if (name.starts_with("userdb_"))
    request.userdb.set(name.substr(7), value);
}

}  // namespace

std::string databases_hash(const Settings& settings) {
  std::string all;
  for (const auto* list : {&settings.passdbs, &settings.userdbs}) {
    for (const auto& one : *list) {
      all += one.driver + '\n' + one.args + '\n';
    }
    all += '\n';
  }
  return crypto::hex(crypto::digest(crypto::Hash::Sha1, all));
}

std::string WorkerQuestion::encode() const {
  std::string out =
      fmt::format("{}\t{}\t{}\t{}{}", id, kKinds[static_cast<size_t>(kind)],
                  database, ipc::tab_escape(password), request.info.encode());
  return out + export_request(request).encode() + "\n";
}

Result<WorkerQuestion> WorkerQuestion::parse(std::string_view line) {
  auto pieces = ipc::tab_split(line);
  auto number = parse_number<unsigned>(pieces[0]);
  auto place =
      pieces.size() > 3 ? parse_number<unsigned>(pieces[2]) : std::nullopt;
  if (!number || !place) return fail(Fault::Protocol, "broken question");
  WorkerQuestion out{};
  size_t kind = 0;
  while (kind < std::size(kKinds) && kKinds[kind] != pieces[1]) ++kind;
  if (kind == std::size(kKinds)) return fail(Fault::Protocol, "what is asked");
  out.kind = static_cast<Kind>(kind);
  out.id = *number;
  out.database = *place;
  out.password = ipc::tab_unescape(pieces[3]);
  for (size_t i = 4; i < pieces.size(); ++i) {
    if (out.request.info.parse(pieces[i])) continue;
    ipc::TabFields one;
    one.parse(pieces[i]);
    for (const auto& field : one.all()) import_field(out.request, field);
  }
  return out;
}

std::string encode_answer(unsigned id, const PassAnswer& answer) {
  ipc::TabFields head;
  head.set("scheme", answer.scheme);
  if (answer.stored) head.set("stored", *answer.stored);
  return fmt::format("{}\t{}\t{}{}{}\n", id, word(answer.result),
                     head.all().size(), head.encode(), answer.fields.encode());
}

std::string encode_answer(unsigned id, const UserAnswer& answer) {
  return fmt::format("{}\t{}{}\n", id, word(answer.result),
                     answer.fields.encode());
}

PassAnswer read_pass_answer(std::string_view line) {
  PassAnswer out;
  auto pieces = ipc::tab_split(line);
  auto result = pass_result(pieces[0]);
  auto heads =
      pieces.size() > 1 ? parse_number<size_t>(pieces[1]) : std::nullopt;
  if (!result || !heads || pieces.size() < 2 + *heads) return out;
  out.result = *result;
  for (size_t i = 2; i < pieces.size(); ++i) {
    if (i >= 2 + *heads) {
      out.fields.parse(pieces[i]);
    } else if (pieces[i].starts_with("scheme=")) {
      out.scheme = ipc::tab_unescape(pieces[i].substr(7));
    } else if (pieces[i].starts_with("stored=")) {
      out.stored = ipc::tab_unescape(pieces[i].substr(7));
    }
  }
  return out;
}

UserAnswer read_user_answer(std::string_view line) {
  UserAnswer out;
  auto pieces = ipc::tab_split(line);
  auto result = user_result(pieces[0]);
  if (!result) return out;
  out.result = *result;
  out.fields = ipc::tab_fields(pieces, 1);
  return out;
}

}  // namespace mail::authd
