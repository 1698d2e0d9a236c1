#pragma once

#include <catch2/catch.hpp>

#include "common/spf/check.h"

namespace mail::spf {

/// A small DNS: what is not in it does not exist.
struct Zone {
  Replies records;
  int asked = 0;

  using Type = Question::Type;
  void texts(Type type, const std::string& name,
             std::vector<std::string> values) {
    records[{type, name}] = {Reply::Status::Found, std::move(values), {}};
  }
  void txt(const std::string& name, const std::string& text) {
    texts(Type::Txt, name, {text});
  }
  void a(const std::string& name, std::vector<const char*> addresses) {
    for (const char* text : addresses) {
      auto address = Address::parse(text);
      REQUIRE(address);
      auto& reply = records[{address->v6 ? Type::Aaaa : Type::A, name}];
      reply.status = Reply::Status::Found;
      reply.addresses.push_back(*address);
    }
  }
  void fails(Type type, const std::string& name) {
    records[{type, name}] = {Reply::Status::Failure, {}, {}};
  }

  Verdict check(const Identity& identity) {
    Replies known;
    while (true) {
      auto result = evaluate(identity, known);
      if (auto* verdict = std::get_if<Verdict>(&result)) return *verdict;
      for (const auto& question : std::get<std::vector<Question>>(result)) {
        REQUIRE_FALSE(known.contains(question));
        ++asked;
        auto found = records.find(question);
        known[question] = found == records.end()
                              ? Reply{Reply::Status::Nothing, {}, {}}
                              : found->second;
      }
    }
  }
  Verdict check(const char* client, const std::string& sender) {
    Identity identity;
    auto address = Address::parse(client);
    REQUIRE(address);
    identity.client = *address;
    identity.sender = sender;
    identity.domain = sender.substr(sender.rfind('@') + 1);
    identity.helo = "mx.example.org";
    identity.receiver = "receiver.example.net";
    return check(identity);
  }
  Outcome outcome(const char* client, const std::string& sender) {
    return check(client, sender).outcome;
  }
};

}  // namespace mail::spf
