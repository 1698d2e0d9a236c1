#include "common/milter/protocol.h"

#include <catch2/catch.hpp>

using namespace mail;
using namespace mail::milter;
using namespace std::string_literals;

TEST_CASE("packets are cut from any stream of bytes", "[milter]") {
  std::string wire;
  append_packet(wire, 'c', "");
  append_packet(wire, 'y', "550 no\0"s);
  for (size_t cut = 0; cut < wire.size(); ++cut) {
    std::string_view part = std::string_view(wire).substr(0, cut);
    size_t packets = 0;
    while (true) {
      auto packet = take_packet(part);
      REQUIRE(packet);
      if (!*packet) break;
      ++packets;
    }
    CHECK(packets == (cut >= 5 ? 1 : 0));
  }
  std::string_view zero("\0\0\0\0", 4);
  CHECK(take_packet(zero).error().what == "bad packet length");
  std::string_view huge("\xff\xff\xff\xff", 4);
  CHECK(take_packet(huge).error().what == "unreasonable packet length");
}

TEST_CASE("the offer is what the protocol version knows", "[milter]") {
  CHECK(parse_offer("2")->protocol == 0x7F);
  CHECK(parse_offer("6")->protocol == 0x1FFFFF);
  CHECK(parse_offer("6 no_header_reply")->protocol == 0x1FFFFF);
  CHECK(parse_offer("4, no_header_reply")->protocol == (0x37F | 0x80));
  CHECK(parse_offer("5").error().what == "bad protocol information: 5");
  CHECK_FALSE(parse_offer(""));
  CHECK_FALSE(parse_offer("no_header_reply"));
}

namespace {
Packet answer(uint32_t version, uint32_t actions, uint32_t protocol,
              std::string_view more = {}) {
  std::string data;
  append_number(data, version);
  append_number(data, actions);
  append_number(data, protocol);
  data += more;
  return {'O', data};
}
}  // namespace

TEST_CASE("filters that ask for too much are refused", "[milter]") {
  MacroLists macros;
  Offer offer = *parse_offer("6");
  CHECK(agree(offer, answer(7, 0, 0), macros).error().what ==
        "protocol version 7 conflict with MTA protocol version 6");
  CHECK(agree(offer, answer(6, 0xFFF, 0), macros).error().what ==
        "request mask 0xfff conflict with MTA request mask 0x1ff");
  CHECK_FALSE(agree(offer, Packet{'c', ""}, macros));
  CHECK_FALSE(agree(offer, Packet{'O', "abc"}, macros));
}

TEST_CASE("a filter's symbol lists replace ours for the stages it names",
          "[milter]") {
  MacroLists macros;
  macros[0] = {"j"};
  macros[static_cast<size_t>(Stage::EndOfHeader)] = {"i"};
  std::string more;
  append_number(more, 6);
  append_text(more, "i j {foo}");
  append_number(more, 99);
  append_text(more, "x");
  auto agreed = agree(*parse_offer("6"), answer(6, 1, 0x2, more), macros);
  REQUIRE(agreed);
  CHECK(macros[static_cast<size_t>(Stage::EndOfHeader)] ==
        std::vector<std::string>{"i", "j", "foo"});
  CHECK(macros[0] == std::vector<std::string>{"j"});
  CHECK_FALSE(agreed->wants(Event::Helo));
  CHECK(agreed->wants(Event::Data));
  auto old = agree(*parse_offer("2"), answer(2, 1, 0), macros);
  CHECK_FALSE(old->knows(Event::Data));
}

TEST_CASE("replies are told apart, edits only at the end", "[milter]") {
  CHECK(parse_reply({'c', ""}, Event::Mail)->kind == Reply::Kind::Continue);
  CHECK(parse_reply({'c', "x"}, Event::Mail).error().what ==
        "reply SMFIR_CONTINUE was followed by 1 data bytes");
  CHECK(parse_reply({'h', "A\0b\0"s}, Event::Mail).error().what ==
        "unexpected filter response SMFIR_ADDHEADER after event SMFIC_MAIL");
  auto edit = parse_reply({'m', "\0\0\0\2Subject\0\0"s}, Event::EndOfMessage);
  REQUIRE(edit);
  CHECK(edit->edit.kind == Edit::Kind::ChangeHeader);
  CHECK(edit->edit.index == 2);
  CHECK(edit->edit.name == "Subject");
  CHECK(edit->edit.value.empty());
  CHECK(parse_reply({'Z', ""}, Event::Rcpt).error().what ==
        "unexpected filter response (unknown filter reply) after event "
        "SMFIC_RCPT");
}

TEST_CASE("reply texts lose their doubled per cent signs", "[milter]") {
  auto reply = parse_reply({'y', "550 5.7.1 go % away %%x\0"s}, Event::Rcpt);
  CHECK(reply->text == "550 5.7.1 go  away %x");
  for (auto bad : {"999 x", "55", "250 ok", "450 5.7.1 x", ""}) {
    auto r = parse_reply({'y', bad}, Event::Rcpt);
    REQUIRE_FALSE(r);
    CHECK(r.error().fault == Fault::Config);
  }
}

TEST_CASE("macros of more than a letter travel in braces", "[milter]") {
  std::string wire;
  append_macros(wire, Event::Connect, {{"j", "mx"}, {"daemon_name", ""}});
  CHECK(wire.substr(4) == "DCj\0mx\0{daemon_name}\0\0"s);
  CHECK(parse_macro_names("i, {auth_type} j") ==
        std::vector<std::string>{"i", "auth_type", "j"});
}
