#include <catch2/catch.hpp>

#include "submission/sendmail/message.h"

using namespace mail;
using namespace mail::sendmail;
using queuefile::Type;

namespace {

Options options(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "/usr/sbin/sendmail");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  auto parsed = parse_options(static_cast<int>(arguments.size()), argv.data());
  REQUIRE(parsed);
  return *parsed;
}

/// "N:text" for each record.
std::vector<std::string> records(const std::string& bytes) {
  std::vector<std::string> out;
  queuefile::RecordReader reader;
  reader.receive(bytes);
  while (true) {
    auto record = reader.next();
    REQUIRE(record);
    if (!*record) break;
    out.push_back(std::string(1, static_cast<char>((*record)->type)) + ":" +
                  std::string((*record)->data));
  }
  return out;
}

std::vector<std::string> content(const Options& o, const std::string& text,
                                 size_t step,
                                 std::vector<std::string>* found = nullptr) {
  ContentWriter writer(o, LineEndings::Always, 2048);
  std::string out;
  for (size_t at = 0; at < text.size(); at += step) {
    writer.receive(std::string_view(text).substr(at, step), out);
  }
  writer.finish(out);
  if (found) *found = writer.recipients();
  return records(out);
}

}  // namespace

TEST_CASE("options are those of sendmail of old", "[sendmail]") {
  auto o =
      options({"-t", "-i", "-fa@b", "-F", "Full Name", "-N", "success,delay",
               "-R", "hdrs", "-V", "envid", "-B8BITMIME", "-oem", "-v", "x@y"});
  CHECK(o.extract);
  CHECK_FALSE(o.dot_ends);
  CHECK(o.sender == "a@b");
  CHECK(o.notify == 10);
  CHECK(o.ret == 2);
  CHECK(o.encoding == "8bit");
  CHECK(o.recipients == std::vector<std::string>{"x@y"});
  CHECK(options({"-bp"}).mode == Mode::ListQueue);
  CHECK(options({"-q"}).mode == Mode::FlushQueue);
  CHECK(options({"-q15m"}).mode == Mode::Ignore);
  CHECK(options({"-qRexample.com"}).flush_what == "example.com");
  CHECK(options({"-N", "never,success"}).warnings.size() == 1);
  std::string bad = "-bz", name = "sendmail";
  char* argv[] = {name.data(), bad.data(), nullptr};
  CHECK(parse_options(2, argv).error().what == "unsupported: -bz");
}

TEST_CASE("mailq and newaliases are modes of the same program", "[sendmail]") {
  std::string name = "/usr/bin/mailq";
  char* argv[] = {name.data(), nullptr};
  CHECK(parse_options(1, argv)->mode == Mode::ListQueue);
}

TEST_CASE("the envelope has the records of the original, in its order",
          "[sendmail]") {
  auto o = options({"-N", "success,delay", "-V", "envid", "-R", "hdrs", "-B",
                    "8BITMIME", "-v", "a", "d@e,f@g"});
  std::vector<std::string> warnings;
  auto out = envelope_records(o, {"root", "root", 0}, warnings);
  REQUIRE(out);
  CHECK(records(*out) == std::vector<std::string>{
                             "A:envelope_id=envid", "A:ret_flags=2",
                             "A:rewrite_context=local", "F:root", "S:root",
                             "A:encoding=8bit", "A:trace_flags=1024",
                             "A:notify_flags=10", "R:a", "A:notify_flags=10",
                             "R:d@e", "A:notify_flags=10", "R:f@g", "M:"});
}

TEST_CASE("a null sender is null, a malformed one warns", "[sendmail]") {
  std::vector<std::string> warnings;
  auto out =
      envelope_records(options({"-f", "<>", "a"}), {"u", "", 5}, warnings);
  CHECK(records(*out)[1] == "S:");
  CHECK(warnings.empty());
  out =
      envelope_records(options({"-f", "a@b c@d", "a"}), {"u", "", 5}, warnings);
  CHECK(warnings == std::vector<std::string>{
                        "-f option specified malformed sender: a@b c@d"});
}

TEST_CASE("recipients come from the header, however it is cut", "[sendmail]") {
  std::string text =
      "From foo\nSubject: x\nTo: alice@example.com,\n \"b b\" <bob@x.y>\n"
      "Cc: c@d\r\nBcc: e@f\n\nTo: not@this\n.\nmore\n";
  for (size_t step : {1u, 2u, 7u, 1000u}) {
    std::vector<std::string> found;
    auto out = content(options({"-t"}), text, step, &found);
    CHECK(found == std::vector<std::string>{"alice@example.com", "bob@x.y",
                                            "c@d", "e@f"});
    CHECK(out.front() == "N:Subject: x");
    CHECK(out.back() == "N:To: not@this");
  }
}

TEST_CASE("Resent- headers take the place of the others", "[sendmail]") {
  std::vector<std::string> found;
  content(options({"-t"}), "To: a@b\nResent-To: c@d\n\n", 100, &found);
  CHECK(found == std::vector<std::string>{"c@d"});
}

TEST_CASE("a lone dot ends the message unless -i says otherwise",
          "[sendmail]") {
  CHECK(content(options({}), "a\n.\nb\n", 3) ==
        std::vector<std::string>{"N:a"});
  CHECK(content(options({"-i"}), "a\n.\nb", 3) ==
        std::vector<std::string>{"N:a", "N:.", "L:b"});
}
