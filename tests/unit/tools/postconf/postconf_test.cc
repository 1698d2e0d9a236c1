#include <catch2/catch.hpp>
#include <map>

#include "tools/postconf/edit.h"
#include "tools/postconf/model.h"
#include "tools/postconf/show.h"
#include "tools/postconf/text.h"

namespace mail::postconf {

namespace {

/// postconf on files of our own.
struct Run {
  std::map<std::string, std::string> files{
      {"/etc/postfix/main.cf",
       "mail_name = x    y\n# inner\n  z\nmua = permit\nunused = 1\n"
       "myorigin = ${mua} $nodef\nrelayhost =\n"},
      {"/etc/postfix/master.cf",
       "smtp inet n - y - - smtpd -v -oa=b -o { smtpd_banner = a  b }\n"
       "# between\n  -o mynetworks=$mua\nslow unix - - n - - pipe flags=x\n"}};
  std::vector<std::string> warnings;

  static Options options(std::vector<std::string> args) {
    std::vector<char*> argv{const_cast<char*>("postconf")};
    for (std::string& arg : args) argv.push_back(arg.data());
    std::string invalid;
    auto result =
        parse_options(static_cast<int>(argv.size()), argv.data(), invalid);
    REQUIRE(result);
    return *result;
  }
  static std::string error(std::vector<std::string> args) {
    std::vector<char*> argv{const_cast<char*>("postconf")};
    for (std::string& arg : args) argv.push_back(arg.data());
    std::string invalid;
    auto result =
        parse_options(static_cast<int>(argv.size()), argv.data(), invalid);
    return result ? "" : result.error().what;
  }
  config::WarningSink sink() {
    return [this](std::string_view text) { warnings.emplace_back(text); };
  }
  std::string show(std::vector<std::string> args) {
    Options o = options(std::move(args));
    config::HostFacts host;
    host.host_name = "mx.example.org";
    auto read = [&](const std::string& path) -> Result<std::string> {
      return files.at(path);
    };
    auto model = Model::load(o, host, read, sink());
    if (!model) return model.error().what;
    auto out = o.has('M')   ? show_master(*model, o, sink())
               : o.has('F') ? show_fields(*model, o, sink())
               : o.has('P') ? show_overrides(*model, o, sink())
                            : show_params(*model, o, sink());
    return out ? *out : out.error().what;
  }
  std::string edit(std::vector<std::string> args) {
    Options o = options(std::move(args));
    bool master = o.has('M') || o.has('F') || o.has('P');
    std::string path =
        master ? "/etc/postfix/master.cf" : "/etc/postfix/main.cf";
    auto out = master ? edit_master(files[path], path, o, sink())
                      : edit_main(files[path], path, o, sink());
    return out ? *out : out.error().what;
  }
};

}  // namespace

TEST_CASE("postconf -n shows what main.cf sets", "[postconf]") {
  Run run;
  CHECK(run.show({"-n"}) ==
        "mail_name = x y z\nmua = permit\nmyorigin = ${mua} $nodef\n"
        "relayhost =\n");
  CHECK(run.warnings ==
        std::vector<std::string>{
            "/etc/postfix/main.cf: undefined parameter: nodef"});
  CHECK(run.show({"-x", "myorigin"}) == "myorigin = permit\n");
  CHECK(run.show({"-h", "mail_owner", "mydomain"}) == "postfix\nexample.org\n");
  CHECK(run.show({"-H", "mail_owner"}) == "mail_owner\n");
  CHECK(run.show({"-d", "mail_name"}) == "mail_name = Postfix\n");
  CHECK(run.show({"slow_time_limit"}) ==
        "slow_time_limit = $command_time_limit\n");
  run.warnings.clear();
  CHECK(run.show({"-d", "nosuch"}).empty());
  CHECK(run.warnings == std::vector<std::string>{"nosuch: unknown parameter"});
}

TEST_CASE("postconf -M, -F and -P show master.cf", "[postconf]") {
  Run run;
  CHECK(run.show({"-M", "smtp"}) ==
        "smtp       inet  n       -       y       -       -       smtpd -v "
        "-o a=b -o {smtpd_banner=a  b} -o mynetworks=$mua\n");
  CHECK(run.show({"-Mfx", "smtp/inet"}) ==
        "smtp       inet  n       -       y       -       -       smtpd -v\n"
        "    -o a=b\n    -o {smtpd_banner=a  b}\n    -o mynetworks=permit\n");
  CHECK(run.show({"-F", "slow/unix/command"}) ==
        "slow/unix/command = pipe flags=x\n");
  CHECK(run.show({"-P", "smtp/inet"}) ==
        "smtp/inet/a = b\nsmtp/inet/mynetworks = $mua\n"
        "smtp/inet/smtpd_banner = a b\n");
  CHECK(run.show({"-M", "a/b/c"}) == "-M option requires service_name[/type]");
}

TEST_CASE("Options that contradict each other are refused", "[postconf]") {
  CHECK(Run::error({"-d", "-n"}) == "specify one of -d -n");
  CHECK(Run::error({"-Mn"}) == "with option -M, do not specify -n");
  CHECK(Run::error({"-t", "-b"}) == "specify one of -b and -t");
  CHECK(Run::error({"-X", "a=b"}) == "specify one of -e -X");
  CHECK(Run::error({"-o", "x"}) ==
        "invalid parameter override: x: missing '=' after attribute name");
  CHECK(Run::error({"-C", "foo"}) ==
        "unknown -C option value \"foo\" in \"foo\"");
  CHECK(Run::error({"-Z"}).starts_with("usage: postconf [-a (server"));
}

TEST_CASE("main.cf is edited in place", "[postconf]") {
  Run run;
  CHECK(run.edit({"-e", "mail_name = new  one ", "z=1"}) ==
        "mail_name = new  one\n# inner\nmua = permit\nunused = 1\n"
        "myorigin = ${mua} $nodef\nrelayhost =\nz = 1\n");
  CHECK(run.edit({"-#", "mail_name", "nosuch"})
            .starts_with("#mail_name = x    y\n# inner\n#  z\nmua"));
  CHECK(run.edit({"-X", "mail_name"}).starts_with("# inner\nmua = permit\n"));
  CHECK(run.edit({"-e", "foo"}) == "missing '=' after attribute name: \"foo\"");
  CHECK(run.edit({"a=1", "b=2\nc"}) ==
        "-e, -X, or -# accepts no multi-line input");
}

TEST_CASE("master.cf is edited in place", "[postconf]") {
  Run run;
  CHECK(run.edit({"-Fe", "smtp/inet/chroot=n"}) ==
        "# between\n"
        "smtp       inet  n       -       n       -       -       smtpd -v\n"
        "    -o a=b\n    -o {smtpd_banner=a  b}\n    -o mynetworks=$mua\n"
        "slow unix - - n - - pipe flags=x\n");
  CHECK(run.edit({"-Pe", "slow/unix/x=y"})
            .ends_with("pipe\n    -o x=y\n    flags=x\n"));
  CHECK(run.edit({"-MX", "smtp/inet"}) ==
        "# between\nslow unix - - n - - pipe flags=x\n");
  CHECK(run.edit({"-M#", "slow/unix"})
            .ends_with("#slow unix - - n - - pipe flags=x\n"));
  CHECK(
      run.edit({"-Me", "new/unix=new unix - - - - - x"})
          .ends_with(
              "new        unix  -       -       -       -       -       x\n"));
  CHECK(run.edit({"-Fe", "smtp/inet/chroot=zz"}) ==
        "invalid chroot field \"zz\" in \"zz\"");
  CHECK(run.edit({"-Pe", "smtp/inet/a=b c"}) ==
        "-Pe does not accept whitespace in parameter value");
  run.warnings.clear();
  (void)run.edit({"-PX", "nosuch/unix/a"});
  CHECK(run.warnings == std::vector<std::string>{
                            "unmatched service_name/type: \"nosuch/unix/a\""});
}

TEST_CASE("Long values fold before column 80", "[postconf]") {
  std::string word(39, 'a');
  CHECK(rejoin(word + "  " + word + "a b", true) ==
        word + " " + word + "a\n    b");
  CHECK(rejoin(" a \n b\t", false) == "a b");
}

}  // namespace mail::postconf
