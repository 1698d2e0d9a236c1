#include "common/mime/mime_state.h"

#include <catch2/catch.hpp>

#include "common/base/ascii.h"

using namespace mail::mime;

namespace {

/// Writes down what it hears: P M N headers, "|" end of the primary head,
/// "=" body lines, "-" unfinished ones.
struct Notes : MimeSink {
  std::string text;
  void on_header(HeaderClass kind, const HeaderInfo*,
                 std::string_view header) override {
    text += "PMN"[static_cast<int>(kind)];
    text += header;
    text += '\n';
  }
  void on_primary_end() override { text += "|\n"; }
  void on_body(std::string_view line, bool complete) override {
    text += complete ? '=' : '-';
    text += line;
    text += '\n';
  }
};

struct Outcome {
  std::string text;
  MimeError error;
};

Outcome run(std::string_view message, const MimeOptions& options = {}) {
  Notes notes;
  MimeState state(options, notes);
  if (!message.empty()) {
    for (std::string_view line : mail::split_exact(message, '\n')) {
      state.line(line);
    }
  }
  state.finish();
  return {notes.text, state.error()};
}

constexpr std::string_view kNested =
    "Subject: s\nMIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=\"out er\"\n\n"
    "preamble\n--out er\nContent-Type: text/plain\nX-A: b\n\ntext\n"
    "--out er\nContent-Type: message/rfc822\n\nSubject: inner\n"
    "Content-Type: multipart/alternative; boundary=in\n\n"
    "--in\n\nx\n--in--\n--out er\n\ny\n--out er--\nepilogue";

}  // namespace

TEST_CASE("A plain message", "[mime]") {
  CHECK(run("A: b\n c\n\nbody\nmore").text ==
        "PA: b\n c\n|\n=\n=body\n=more\n");
  CHECK(run("A: b").text == "PA: b\n|\n");
  CHECK(run("").text == "|\n");
}

TEST_CASE("A body without an empty line gets one", "[mime]") {
  CHECK(run("A: b\nno header").text == "PA: b\n|\n=\n=no header\n");
  CHECK(run("no header").text == "|\n=\n=no header\n");
}

TEST_CASE("Parts and nested messages are told apart", "[mime]") {
  CHECK(run(kNested).text ==
        "PSubject: s\nMMIME-Version: 1.0\n"
        "MContent-Type: multipart/mixed; boundary=\"out er\"\n|\n=\n"
        "=preamble\n=--out er\nMContent-Type: text/plain\nMX-A: b\n=\n=text\n"
        "=--out er\nMContent-Type: message/rfc822\n=\nNSubject: inner\n"
        "MContent-Type: multipart/alternative; boundary=in\n=\n"
        "=--in\n=\n=x\n=--in--\n=--out er\n=\n=y\n=--out er--\n=epilogue\n");
}

TEST_CASE("Without MIME the body is one", "[mime]") {
  MimeOptions options;
  options.parse_mime = false;
  CHECK(run("Content-Type: message/rfc822\n\nA: b", options).text ==
        "MContent-Type: message/rfc822\n|\n=\n=A: b\n");
}

TEST_CASE("A boundary ends the headers of a part", "[mime]") {
  CHECK(run("Content-Type: multipart/mixed; boundary=\"b:c\"\n\n--b:c\nX: y\n"
            "--b:c--")
            .text ==
        "MContent-Type: multipart/mixed; boundary=\"b:c\"\n|\n=\n=--b:c\n"
        "MX: y\n=--b:c--\n");
}

TEST_CASE("Nesting has a limit", "[mime]") {
  MimeOptions options;
  options.nesting_limit = 2;
  CHECK(run(kNested, options).error == MimeError::Nesting);
  options.nesting_limit = 3;
  CHECK(run(kNested, options).error == MimeError::None);
  CHECK(mime_error_text(MimeError::Nesting) ==
        "MIME nesting exceeds safety limit");
}

TEST_CASE("8-bit data where it does not belong", "[mime]") {
  MimeOptions options;
  options.report_8bit_header = options.report_8bit_body = true;
  CHECK(run("A: \xff\n\nx", options).error == MimeError::EightBitHeader);
  CHECK(run("A: b\n\n\xff", options).error == MimeError::EightBitBody);
  CHECK(run("Content-Transfer-Encoding: 8bit\n\n\xff", options).error ==
        MimeError::None);
  options.report_encoding_domain = true;
  CHECK(run("Content-Type: message/rfc822\n"
            "Content-Transfer-Encoding: base64\n\nx",
            options)
            .error == MimeError::EncodingDomain);
}

TEST_CASE("8-bit parts are made quoted-printable", "[mime]") {
  MimeOptions options;
  options.downgrade = true;
  CHECK(run("Content-Transfer-Encoding: 8bit\nA: b\n\nx\xff=\ntrail ", options)
            .text ==
        "PA: b\nMContent-Transfer-Encoding: quoted-printable\n|\n=\n"
        "=x=FF=3D\n=trail=20\n");
  CHECK(run("Content-Type: multipart/mixed; boundary=b\n"
            "Content-Transfer-Encoding: 8bit\n\n--b\n\nplain =\n--b\n"
            "Content-Transfer-Encoding: 8bit\n\n\xff\n--b--",
            options)
            .text ==
        "MContent-Type: multipart/mixed; boundary=b\n"
        "MContent-Transfer-Encoding: 7bit\n|\n=\n=--b\n=\n=plain =\n=--b\n"
        "MContent-Transfer-Encoding: quoted-printable\n=\n==FF\n=--b--\n");
}

TEST_CASE("Downgraded lines break where Postfix breaks them", "[mime]") {
  MimeOptions options;
  options.downgrade = true;
  std::string line;
  for (int i = 0; i < 6; ++i) line += "very long line ";
  CHECK(run("Content-Transfer-Encoding: 8bit\n\n" + line + "\xff", options)
            .text.ends_with("\n=very long line very long line very long line "
                            "very long line very long lin=\n"
                            "=e very long line =FF\n"));
}

TEST_CASE("Long lines come and go in pieces", "[mime]") {
  Notes notes;
  MimeState state({}, notes);
  state.line("A: b");
  state.line("");
  state.line("--x", false);
  state.line("--y");
  state.finish();
  CHECK(notes.text == "PA: b\n|\n=\n---x\n=--y\n");
}
