#include "common/mime/structure.h"

#include <catch2/catch.hpp>

#include "common/imap/envelope.h"

using namespace mail;
using mime::Part;

namespace {

const std::string kMixed =
    "Subject: outer\n"
    "MIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=\"b1\"\n"
    "\n"
    "preamble\n"
    "--b1\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "Content-Transfer-Encoding: quoted-printable\n"
    "\n"
    "h=C3=A4llo w=\n"
    "orld\n"
    "second line\n"
    "--b1\n"
    "Content-Type: message/rfc822\n"
    "Content-Disposition: attachment; filename*0=\"long \"; "
    "filename*1=\"name.eml\"\n"
    "\n"
    "Subject: inner\n"
    "From: in@ner.org\n"
    "\n"
    "inner body\n"
    "\n"
    "--b1--\n"
    "epilogue\n";

std::string with_crlf(const std::string& text) {
  std::string out;
  for (char c : text) out += c == '\n' ? "\r\n" : std::string(1, c);
  return out;
}

std::string structure(std::string_view message) {
  std::string out;
  imap::put_body_structure(out, mime::parse_structure(message), true);
  return out;
}

}  // namespace

TEST_CASE("parts are found with their offsets", "[structure]") {
  Part root = mime::parse_structure(kMixed);
  REQUIRE(root.kind == Part::Kind::Multipart);
  REQUIRE(root.children.size() == 2);
  const Part& text = root.children[0];
  CHECK(kMixed.substr(text.body_at, text.body_size) ==
        "h=C3=A4llo w=\norld\nsecond line");
  CHECK(text.body_lines == 2);
  CHECK(text.virtual_body_size() == text.body_size + 2);
  const Part& inner = root.children[1].children[0];
  CHECK(kMixed.substr(inner.body_at, inner.body_size) == "inner body\n");
  CHECK(kMixed.substr(inner.header_at, inner.header_size) ==
        "Subject: inner\nFrom: in@ner.org\n\n");
  CHECK(inner.envelope->subject == "inner");
  CHECK(*root.children[1].disposition == "attachment");
  CHECK(root.children[1].disposition_parameters[0].second == "long name.eml");
  CHECK(root.body_at + root.body_size == kMixed.size());
}

TEST_CASE("any split of the input gives the same structure", "[structure]") {
  for (const std::string& message : {kMixed, with_crlf(kMixed)}) {
    std::string whole = structure(message);
    for (size_t cut = 0; cut <= message.size(); ++cut) {
      mime::StructureParser parser;
      parser.feed(std::string_view(message).substr(0, cut));
      parser.feed(std::string_view(message).substr(cut));
      std::string out;
      imap::put_body_structure(out, parser.finish(), true);
      REQUIRE(out == whole);
    }
    mime::StructureParser slow;
    for (char c : message) slow.feed(std::string_view(&c, 1));
    std::string out;
    imap::put_body_structure(out, slow.finish(), true);
    CHECK(out == whole);
  }
}

TEST_CASE("line ends as they are stored change no answer", "[structure]") {
  CHECK(structure(kMixed) == structure(with_crlf(kMixed)));
}

TEST_CASE("virtual offsets are those of the message with CRLF", "[structure]") {
  std::string crlf = with_crlf(kMixed);
  Part root = mime::parse_structure(kMixed);
  const Part& inner = root.children[1].children[0];
  CHECK(crlf.substr(inner.virtual_body_at(), inner.virtual_body_size()) ==
        "inner body\r\n");
  CHECK(crlf.substr(inner.virtual_header_at(), inner.virtual_header_size())
            .starts_with("Subject: inner\r\n"));
}

TEST_CASE("BODYSTRUCTURE is the original's", "[structure]") {
  CHECK(structure("Subject: simple\n\nbody no newline") ==
        "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 15 0 "
        "NIL NIL NIL NIL)");
  CHECK(structure("Content-Type: multipart/mixed; boundary=xx\n\nno parts\n") ==
        "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 "
        "NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"xx\") NIL NIL NIL)");
  CHECK(structure("Content-Type: multipart/digest; boundary=xx\n\n--xx\n\n"
                  "Subject: d1\n\nfirst\n--xx\nContent-Type: text/plain\n\n"
                  "second\n--xx--\n") ==
        "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 20 (NIL \"d1\" NIL NIL "
        "NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" "
        "\"us-ascii\") NIL NIL \"7bit\" 5 0 NIL NIL NIL NIL) 2 NIL NIL NIL "
        "NIL)(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 6 "
        "0 NIL NIL NIL NIL) \"digest\" (\"boundary\" \"xx\") NIL NIL NIL)");
  CHECK(structure("no header at all\njust text\n") ==
        "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 "
        "NIL NIL NIL NIL)");
  CHECK(structure("Content-Type: text/plain; charset=\"\"; a=; b\n"
                  "Content-Type: text/html\nContent-Disposition: ; x=y\n"
                  "Content-Language: \nContent-Transfer-Encoding: 8bit; foo\n"
                  "\nx\n") ==
        "(\"text\" \"plain\" (\"charset\" \"\" \"a\" \"\") NIL NIL \"7bit\" 3 "
        "1 NIL (\"\" (\"x\" \"y\")) NIL NIL)");
}

TEST_CASE("an inner boundary may begin with the outer one", "[structure]") {
  std::string message =
      "Content-Type: multipart/mixed; boundary=xx\n\n--xx\n"
      "Content-Type: multipart/mixed; boundary=xxy\n\n--xxy\nSubject: p\n\n"
      "text\n--xx--\n";
  CHECK(structure(message) ==
        "(((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 4 0 "
        "NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"xxy\") NIL NIL NIL) "
        "\"mixed\" (\"boundary\" \"xx\") NIL NIL NIL)");
}

TEST_CASE("nesting and parts are bounded", "[structure]") {
  std::string deep;
  for (int i = 0; i < 5000; ++i) {
    deep += "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) +
            "\n\n--b" + std::to_string(i) + "\n";
  }
  Part root = mime::parse_structure(deep);
  size_t depth = 0;
  for (const Part* at = &root; !at->children.empty(); at = &at->children[0]) {
    ++depth;
  }
  CHECK(depth < 100);

  std::string wide = "Content-Type: multipart/mixed; boundary=b\n\n";
  for (int i = 0; i < 30000; ++i) wide += "--b\n\nx\n";
  CHECK(mime::parse_structure(wide).children.size() < 10001);

  std::string headers;
  for (int i = 0; i < 100000; ++i) headers += "To: a@b\n";
  root = mime::parse_structure(headers);
  CHECK(root.header_size == headers.size());
}

TEST_CASE("parts are named by numbers", "[structure]") {
  Part root = mime::parse_structure(kMixed);
  CHECK(mime::find_part(root, {}) == &root);
  CHECK(mime::find_part(root, {1}) == &root.children[0]);
  CHECK(mime::find_part(root, {2}) == &root.children[1]);
  CHECK(mime::find_part(root, {2, 1}) == &root.children[1].children[0]);
  CHECK(mime::find_part(root, {2, 2}) == nullptr);
  CHECK(mime::find_part(root, {2, 1, 1}) == nullptr);
  CHECK(mime::find_part(root, {3}) == nullptr);
  CHECK(mime::find_part(root, {1, 1}) == &root.children[0]);
  Part leaf = mime::parse_structure("\nx\n");
  CHECK(mime::find_part(leaf, {1}) == &leaf);
  CHECK(mime::find_part(leaf, {1, 1}) == nullptr);
}
