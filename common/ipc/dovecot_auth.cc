#include "common/ipc/dovecot_auth.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::ipc {

namespace {

struct Flag {
  std::string_view word;
  bool AuthMechanism::* member;
};
// In the order in which a server writes them.
constexpr Flag kFlags[] = {
    {"private", &AuthMechanism::is_private},
    {"anonymous", &AuthMechanism::anonymous},
    {"plaintext", &AuthMechanism::plaintext},
    {"dictionary", &AuthMechanism::dictionary},
    {"active", &AuthMechanism::active},
    {"forward-secrecy", &AuthMechanism::forward_secrecy},
    {"mutual-auth", &AuthMechanism::mutual_auth},
};

struct TextParameter {
  std::string_view name;
  std::string AuthInfo::* member;
};
constexpr TextParameter kTexts[] = {
    {"session", &AuthInfo::session},
    {"cert_username", &AuthInfo::cert_username},
    {"local_name", &AuthInfo::local_name},
    {"client_id", &AuthInfo::client_id},
    {"forward_fields", &AuthInfo::forward_fields},
    {"lip", &AuthInfo::local_ip},
    {"rip", &AuthInfo::remote_ip},
    {"real_lip", &AuthInfo::real_local_ip},
    {"real_rip", &AuthInfo::real_remote_ip},
};
struct PortParameter {
  std::string_view name;
  uint16_t AuthInfo::* member;
};
constexpr PortParameter kPorts[] = {
    {"lport", &AuthInfo::local_port},
    {"rport", &AuthInfo::remote_port},
    {"real_lport", &AuthInfo::real_local_port},
    {"real_rport", &AuthInfo::real_remote_port},
};
struct FlagParameter {
  std::string_view name;
  bool AuthInfo::* member;
};
constexpr FlagParameter kFlagParameters[] = {
    {"no-penalty", &AuthInfo::no_penalty},
    {"valid-client-cert", &AuthInfo::valid_client_cert},
    {"final-resp-ok", &AuthInfo::final_resp_ok},
    {"debug", &AuthInfo::debug},
};

std::optional<unsigned> parse_id(const std::vector<std::string_view>& pieces) {
  if (pieces.size() < 2) return std::nullopt;
  return parse_number<unsigned>(pieces[1]);
}

}  // namespace

std::optional<AuthMechanism> AuthMechanism::parse(std::string_view line) {
  auto pieces = tab_split(line);
  if (pieces[0] != "MECH" || pieces.size() < 2) return std::nullopt;
  AuthMechanism out;
  out.name = pieces[1];
  for (size_t i = 2; i < pieces.size(); ++i) {
    for (const auto& flag : kFlags) {
      if (pieces[i] == flag.word) out.*flag.member = true;
    }
  }
  return out;
}

std::string AuthMechanism::encode() const {
  std::string out = "MECH\t" + name;
  for (const auto& flag : kFlags) {
    if (this->*flag.member) out += fmt::format("\t{}", flag.word);
  }
  return out;
}

std::string AuthInfo::encode() const {
  std::string out = "\tservice=" + tab_escape(service);
  if (secured) out += tls ? "\tsecured=tls" : "\tsecured";
  for (const auto& parameter : kFlagParameters) {
    if (this->*parameter.member) out += fmt::format("\t{}", parameter.name);
  }
  for (const auto& parameter : kTexts) {
    const std::string& value = this->*parameter.member;
    if (value.empty()) continue;
    out += fmt::format("\t{}={}", parameter.name, tab_escape(value));
  }
  for (const auto& parameter : kPorts) {
    uint16_t value = this->*parameter.member;
    if (value != 0) out += fmt::format("\t{}={}", parameter.name, value);
  }
  return out;
}

bool AuthInfo::parse(std::string_view piece) {
  size_t equals = piece.find('=');
  std::string_view name = piece.substr(0, equals);
  std::string value = equals == std::string_view::npos
                          ? ""
                          : tab_unescape(piece.substr(equals + 1));
  if (name == "service") {
    service = std::move(value);
    return true;
  }
  if (name == "secured") {
    secured = true;
    tls = value == "tls";
    return true;
  }
  for (const auto& parameter : kFlagParameters) {
    if (name == parameter.name) return this->*parameter.member = true;
  }
  for (const auto& parameter : kTexts) {
    if (name != parameter.name) continue;
    this->*parameter.member = std::move(value);
    return true;
  }
  for (const auto& parameter : kPorts) {
    if (name != parameter.name) continue;
    this->*parameter.member = parse_number<uint16_t>(value).value_or(0);
    return true;
  }
  return false;
}

std::string AuthStart::encode() const {
  std::string out = fmt::format("AUTH\t{}\t{}{}", id, mechanism, info.encode());
  // An empty initial response is said with "=" (RFC 4954): an empty resp=
  // meant none to clients before 1.2.
  if (initial) out += "\tresp=" + (initial->empty() ? "=" : *initial);
  return out + "\n";
}

Result<AuthStart> AuthStart::parse(const std::vector<std::string_view>& pieces,
                                   unsigned client_minor) {
  AuthStart out;
  auto id = parse_id(pieces);
  if (!id || *id == 0 || pieces.size() < 3) {
    return fail(Fault::Protocol, "sent broken AUTH request");
  }
  out.id = *id;
  out.mechanism = pieces[2];
  for (size_t i = 3; i < pieces.size(); ++i) {
    if (pieces[i].starts_with("resp=")) {
      if (i + 1 != pieces.size()) {
        return fail(Fault::Protocol, "sent AUTH parameters after 'resp'");
      }
      std::string_view text = pieces[i].substr(5);
      if (text == "=")
        out.initial = "";
      else if (!text.empty() || client_minor >= 2)
        out.initial = std::string(text);
      break;
    }
    (void)out.info.parse(pieces[i]);
  }
  if (out.info.service.empty()) {
    return fail(Fault::Protocol, "didn't specify service in request");
  }
  return out;
}

std::optional<AuthAnswer> AuthAnswer::parse(std::string_view line) {
  auto pieces = tab_split(line);
  auto id = parse_id(pieces);
  if (!id) return std::nullopt;
  AuthAnswer out;
  out.id = *id;
  if (pieces[0] == "CONT") {
    out.kind = Kind::Continue;
    if (pieces.size() > 2) out.challenge = pieces[2];
    return out;
  }
  if (pieces[0] == "OK")
    out.kind = Kind::Ok;
  else if (pieces[0] != "FAIL")
    return std::nullopt;
  out.fields = tab_fields(pieces, 2);
  for (size_t i = 2; i < pieces.size(); ++i) {
    out.words.push_back(tab_unescape(pieces[i]));
  }
  return out;
}

std::optional<UserAnswer> UserAnswer::parse(std::string_view line) {
  auto pieces = tab_split(line);
  auto id = parse_id(pieces);
  if (!id) return std::nullopt;
  UserAnswer out;
  out.id = *id;
  if (pieces[0] == "USER" && pieces.size() > 2) {
    out.kind = Kind::Found;
    out.user = tab_unescape(pieces[2]);
    out.fields = tab_fields(pieces, 3);
  } else if (pieces[0] == "PASS") {
    out.kind = Kind::Found;
    out.fields = tab_fields(pieces, 2);
    out.user = out.fields.get("user");
  } else if (pieces[0] == "NOTFOUND") {
    out.kind = Kind::NotFound;
  } else if (pieces[0] == "FAIL") {
    out.fields = tab_fields(pieces, 2);
  } else {
    return std::nullopt;
  }
  for (size_t i = 2; i < pieces.size(); ++i) {
    out.words.push_back(tab_unescape(pieces[i]));
  }
  return out;
}

}  // namespace mail::ipc
