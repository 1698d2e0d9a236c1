#include "common/milter/filter_engine.h"

#include <catch2/catch.hpp>

using namespace mail;
using namespace mail::milter;
using namespace std::string_literals;

namespace {

std::string packet(char code, std::string_view data = "") {
  std::string out;
  append_packet(out, code, data);
  return out;
}

std::string numbers(std::initializer_list<uint32_t> values) {
  std::string out;
  for (uint32_t value : values) append_number(out, value);
  return out;
}

const std::string kOffer = packet('O', numbers({6, 0x1FF, 0x1FFFFF}));

Wishes wishes() { return {0x1, 0x100000 | 0x400 | 0x80 | 0x40000, ""}; }

/// What comes of a wire that is fed in pieces.
struct Run {
  std::string codes, sent;
  bool failed = false;
};

Run run(std::string_view wire, size_t piece,
        Answer (*decide)(FilterEngine&, const FilterEngine::Event&)) {
  Run out;
  FilterEngine engine(wishes());
  for (size_t at = 0; at < wire.size() && !out.failed; at += piece) {
    engine.receive(wire.substr(at, piece));
    while (true) {
      auto event = engine.next();
      if (!event) out.failed = true;
      if (!event || !*event) break;
      out.codes += (*event)->code;
      engine.answer(decide(engine, **event));
    }
    out.sent += engine.pending();
    engine.sent(engine.pending().size());
  }
  return out;
}

Answer go_on(FilterEngine&, const FilterEngine::Event&) {
  return Answer::Continue;
}

}  // namespace

TEST_CASE("a message is answered where the MTA waits", "[milter]") {
  std::string wire = kOffer + packet('D', "Cj\0mx\0"s) + packet('C', "h\0U"s) +
                     packet('M', "<a@b>\0"s) + packet('L', "From\0 a@b\0"s) +
                     packet('N') + packet('B', "body\r\n") +
                     packet('D', "Ei\0Q1\0"s) + packet('E') + packet('A') +
                     packet('Q');
  auto decide = [](FilterEngine& engine, const FilterEngine::Event& event) {
    if (event.code == 'L') CHECK(event.data == "From\0 a@b\0"s);
    if (event.code == 'B') return Answer::Skip;
    if (event.code == 'A') CHECK_FALSE(engine.macro("i"));
    if (event.code != 'E') {
      CHECK_FALSE(engine.insert_header(0, "X", "y"));
      return Answer::Continue;
    }
    CHECK(engine.macro("{i}") == "Q1");
    CHECK(engine.macro("j") == "mx");
    CHECK_FALSE(engine.macro("k"));
    CHECK(engine.insert_header(0, "X", " y"));
    CHECK_FALSE(engine.change_header(1, "X", ""));  // was not asked for
    return Answer::Accept;
  };
  std::string expected = packet('O', numbers({6, 0x101, wishes().protocol})) +
                         packet('c') + packet('c') + packet('s') +
                         packet('i', numbers({0}) + "X\0 y\0"s) + packet('a');
  for (size_t piece : {wire.size(), size_t{1}, size_t{7}}) {
    Run got = run(wire, piece, decide);
    CHECK(got.codes == "CMLNBEAQ");
    CHECK(got.sent == expected);
    CHECK_FALSE(got.failed);
  }
}

TEST_CASE("an old MTA gets what it knows", "[milter]") {
  std::string wire = packet('O', numbers({2, 0x3F, 0x7F})) +
                     packet('L', "From\0a\0"s) + packet('B', "x");
  auto decide = [](FilterEngine& engine, const FilterEngine::Event& event) {
    CHECK_FALSE(engine.leading_space());
    return event.code == 'B' ? Answer::Skip : Answer::Continue;
  };
  Run got = run(wire, wire.size(), decide);
  CHECK(got.sent == packet('O', numbers({2, 0x1, 0})) + packet('c') +
                        packet('c'));  // "skip" is not known
}

TEST_CASE("a reply's text goes with the answer that it fits", "[milter]") {
  auto decide = [](FilterEngine& engine, const FilterEngine::Event& event) {
    engine.set_reply("550", "5.7.0", "10% bad");
    if (event.code == 'C') return Answer::Tempfail;
    return event.code == 'E' ? Answer::Reject : Answer::Continue;
  };
  std::string wire =
      kOffer + packet('C', "h\0U"s) + packet('E') + packet('M', "a\0"s);
  Run got = run(wire, 3, decide);
  CHECK(got.sent.substr(17) ==
        packet('t') + packet('y', "550 5.7.0 10%% bad\0"s) + packet('c'));
}

TEST_CASE("macros for the end of the headers are asked for", "[milter]") {
  FilterEngine engine({0x1, 0, "i {auth_type}"});
  engine.receive(kOffer);
  CHECK(engine.next().value() == std::nullopt);
  CHECK(engine.pending() ==
        packet('O', numbers({6, 0x101, 0, 6}) + "i {auth_type}\0"s));
}

TEST_CASE("what is no conversation ends it", "[milter]") {
  CHECK(run(packet('C', "h\0U"s), 1, go_on).failed);
  CHECK(run(packet('O', "short"), 1, go_on).failed);
  CHECK(run(packet('O', numbers({1, 0x1FF, 0})), 1, go_on).failed);
  CHECK(run(packet('O', numbers({6, 0x1E, 0})), 1, go_on).failed);
  CHECK(run(kOffer + packet('?'), 1, go_on).failed);
  CHECK(run("\0\0\0\0"s, 1, go_on).failed);
  CHECK(run("\x7f\0\0\0"s, 1, go_on).failed);
  CHECK(run(kOffer + packet('K') + packet('M', "a\0"s), 1, go_on).failed);
}
