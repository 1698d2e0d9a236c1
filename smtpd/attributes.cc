// Session: XCLIENT and XFORWARD, by which a proxy or filter in front of us
// says who its client is.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/mime/address.h"
#include "smtpd/client_facts.h"
#include "smtpd/session.h"

namespace mail::smtpd {

using smtp::Reply;

namespace {

bool is_unavailable(std::string_view value) {
  return iequals(value, "[UNAVAILABLE]") || iequals(value, "[TEMPUNAVAIL]");
}

/// "unknown" for what is not known.
std::string known(const std::string& value) {
  return is_unavailable(value) ? "unknown" : value;
}

std::optional<net::IpAddress> parse_address(std::string_view value) {
  if (istarts_with(value, "IPV6:")) value.remove_prefix(5);
  return net::IpAddress::parse(value);
}

bool is_port(std::string_view value) {
  auto port = parse_number<uint16_t>(value);
  return port && *port > 0;
}

NameStatus status_of(std::string_view value) {
  if (iequals(value, "[UNAVAILABLE]")) return NameStatus::Fail;
  if (iequals(value, "[TEMPUNAVAIL]")) return NameStatus::Temporary;
  return NameStatus::Ok;
}

/// Those of an address: false when it is none.
bool set_address(ClientFacts& client, const std::string& value) {
  if (is_unavailable(value)) {
    client.address = {};
    client.address_text = "unknown";
    return true;
  }
  auto address = parse_address(value);
  if (!address) return false;
  client.address = *address;
  client.address_text = address->text();
  return true;
}

/// The attributes of XCLIENT that are facts of the connection. False: a bad
/// value.
bool set_client(ClientFacts& client, std::string_view name,
                const std::string& value) {
  bool no = is_unavailable(value);
  if (name == "NAME") {
    if (!no && !mime::is_domain(value)) return false;
    client.name = known(value);
    client.name_status = status_of(value);
  } else if (name == "REVERSE_NAME") {
    if (!no && !mime::is_domain(value)) return false;
    client.reverse_name = known(value);
    client.reverse_status = status_of(value);
  } else if (name == "ADDR") {
    return set_address(client, value);
  } else if (name == "PORT") {
    if (!no && !is_port(value)) return false;
    client.port = known(value);
  } else if (name == "DESTADDR") {
    auto address = parse_address(value);
    if (!no && !address) return false;
    client.server_address = no ? "unknown" : address->text();
  } else if (name == "DESTPORT") {
    if (!no && !is_port(value)) return false;
    client.server_port = known(value);
  }
  return true;
}

Reply bad_syntax(std::string_view name, std::string_view value) {
  return Reply(501, "5.5.4", fmt::format("Bad {} syntax: {}", name, value));
}

}  // namespace

/// Whether this client may say who others are.
net::Task<> Session::judge_proxy() {
  const ClientFacts& client = facts_.client;
  auto xclient =
      co_await config_.xclient_hosts.match(client.name, client.address_text);
  xclient_ = xclient && *xclient;
  if (!reborn_) {  // who may forward stays so as another client, too
    auto xforward =
        co_await config_.xforward_hosts.match(client.name, client.address_text);
    xforward_ = xforward && *xforward;
  }
  engine_.set_options(command_options());
}

smtp::CommandOptions Session::command_options() const {
  smtp::CommandOptions options = config_.limits.commands;
  options.dsn =
      discards_.end() == std::find(discards_.begin(), discards_.end(), "dsn");
  options.xclient = xclient_;
  options.xforward = xforward_;
  return options;
}

net::Task<Reply> Session::run(smtp::Attributes& attributes) {
  if (engine_.in_transaction()) {
    co_return Reply(503, "5.5.1", "Error: MAIL transaction in progress");
  }
  if (attributes.verb == smtp::Verb::Xforward) {
    co_return forward(attributes);
  }
  auto reply = co_await become(attributes);
  co_return reply;
}

Reply Session::forward(const smtp::Attributes& attributes) {
  Forwarded said = forwarded_.value_or(Forwarded{});
  for (const auto& [name, value] : attributes.values) {
    bool no = is_unavailable(value);
    if (name == "NAME") {
      if (!no && !mime::is_domain(value)) return bad_syntax(name, value);
      said.name = known(value);
    } else if (name == "ADDR") {
      auto address = parse_address(value);
      if (!no && !address) return bad_syntax(name, value);
      said.address = no ? "unknown" : address->text();
    } else if (name == "PORT") {
      said.port = known(value);
    } else if (name == "PROTO") {
      said.protocol = known(value);
    } else if (name == "HELO") {
      said.helo = known(value);
    } else if (name == "IDENT") {
      said.ident = no ? "" : value;
    } else if (name == "SOURCE") {
      if (!no && !iequals(value, "LOCAL") && !iequals(value, "REMOTE")) {
        return bad_syntax(name, value);
      }
      said.local.reset();
      if (!no) said.local = iequals(value, "LOCAL");
    }
  }
  forwarded_ = std::move(said);
  return Reply(250, "2.0.0", "Ok");
}

/// The session begins anew, as another client's.
net::Task<Reply> Session::become(const smtp::Attributes& attributes) {
  Facts next = facts_;
  next.helo.reset();
  for (const auto& [name, value] : attributes.values) {
    if (name == "HELO") {
      if (!is_unavailable(value)) next.helo = value;
    } else if (name == "PROTO") {
      if (!iequals(value, "SMTP") && !iequals(value, "ESMTP")) {
        co_return bad_syntax(name, value);
      }
      next.protocol = upper(value);
    } else if (name == "LOGIN") {
      bool no = is_unavailable(value);
      next.sasl_method = no ? "" : "XCLIENT";
      next.sasl_username = no ? "" : value;
    } else if (!set_client(next.client, name, value)) {
      co_return bad_syntax(name, value);
    }
  }
  co_await settle_client(config_, next.client);
  co_await reset_transaction();
  facts_ = std::move(next);
  session_effects_ = {};
  forwarded_.reset();
  discards_.clear();
  reborn_ = true;
  co_await judge_proxy();
  co_await filters_.quit();
  filter_verdict_.reset();
  auto greeting = co_await greet();
  co_return greeting;
}

}  // namespace mail::smtpd
