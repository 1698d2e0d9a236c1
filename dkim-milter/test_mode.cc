// opendkim -t: a message from a file, as a client of this machine sends it.
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "dkim-milter/filter.h"

namespace mail::dkim_milter {

namespace {

constexpr size_t kMaxMessage = 256u << 20;

void write_line(std::string_view text) {
  (void)write_all(STDOUT_FILENO, fmt::format("{}\n", text));
}

void trace(const Options& options, std::string_view text) {
  if (options.verbosity < 1) return;
  (void)write_all(STDERR_FILENO, fmt::format("opendkim: {}\n", text));
}

/// The MTA of test mode: it says what it would do.
class Printer : public Mta {
 public:
  explicit Printer(bool loud) : loud_(loud) {}
  std::optional<std::string> macro(const std::string& name) override {
    if (name == "{auth_type}" || name == "{daemon_name}") return std::nullopt;
    std::string bare = name;
    std::erase_if(bare, [](char c) { return c == '{' || c == '}'; });
    return "DEBUG-" + bare;
  }
  bool insert_header(int index, const std::string& name,
                     const std::string& value) override {
    return say(fmt::format("INSHEADER: idx={} hname='{}' hvalue='{}'", index,
                           name, value));
  }
  bool add_header(const std::string& name, const std::string& value) override {
    return say(fmt::format("ADDHEADER: hname='{}' hvalue='{}'", name, value));
  }
  bool delete_header(const std::string& name, int index) override {
    return say(fmt::format("CHGHEADER: hname='{}' idx={} hvalue='(null)'", name,
                           index));
  }
  bool add_recipient(const std::string& address) override {
    return say(fmt::format("ADDRCPT: '{}'", address));
  }
  bool delete_recipient(const std::string& address) override {
    return say(fmt::format("DELRCPT: '{}'", address));
  }
  void set_reply(const std::string& code, const std::string& status,
                 const std::string& text) override {
    say(fmt::format("SETREPLY: rcode='{}' xcode='{}' replytxt='{}'", code,
                    status, text));
  }
  void progress() override {}
  bool leading_space() const override { return true; }

 private:
  bool say(const std::string& line) {
    if (loud_) write_line("### " + line);
    return true;
  }
  bool loud_;
};

std::string reply_name(Reply reply) {
  constexpr std::string_view kNames[] = {"CONTINUE", "ACCEPT",  "REJECT",
                                         "TEMPFAIL", "DISCARD", "SKIP"};
  return fmt::format("SMFIS_{}", kNames[static_cast<size_t>(reply)]);
}

/// Hands the header over; the body is what remains.
std::string_view give_headers(std::string_view text, Transaction& message) {
  std::string field;
  auto flush = [&] {
    size_t colon = field.find(':');
    if (colon != std::string::npos) {
      message.header(std::string_view(field).substr(0, colon),
                     std::string_view(field).substr(colon + 1));
    }
    field.clear();
  };
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    bool folded = line[0] == ' ' || line[0] == '\t';
    if (folded && !field.empty()) {
      field += '\n';
    } else {
      flush();
    }
    field += line;
  }
  flush();
  return text;
}

void give_body(std::string_view text, bool strict, Transaction& message) {
  if (strict) {
    (void)message.body(text);
    return;
  }
  dkim::LineEndFixer fixer;
  std::string fixed;
  fixer.update(text, fixed);
  fixer.finish(fixed);
  (void)message.body(fixed);
}

void print_verdict(const std::string& file, const Transaction& message) {
  if (!message.verifies()) return;
  const dkim::Check* shown = nullptr;
  for (const auto& check : message.checks()) {
    if (!shown || check.status == dkim::Status::Good) shown = &check;
    if (check.status == dkim::Status::Good) break;
  }
  if (!shown)
    return write_line(fmt::format("opendkim: {}: message not signed", file));
  const auto& s = shown->signature;
  unsigned bits = shown->record() && shown->record()->key
                      ? shown->record()->key->bits()
                      : 0;
  if (shown->status == dkim::Status::Good) {
    return write_line(fmt::format(
        "opendkim: {}: verification (s={}, d={}, {}-bit key) succeeded", file,
        s.selector, s.domain, bits));
  }
  write_line(fmt::format(
      "opendkim: {}: verification (s={} d={}, {}-bit key{}) failed: {}", file,
      s.selector, s.domain, bits,
      shown->key && shown->key->authenticated == false ? ", insecure" : "",
      dkim::status_text(shown->status)));
}

int evaluate(const Options& options, const Context& context, bool strict,
             const std::string& file) {
  auto text = read_file(file == "-" ? "/dev/stdin" : file, kMaxMessage);
  if (!text) {
    (void)write_all(STDERR_FILENO,
                    fmt::format("opendkim: {}\n", text.error().what));
    return EX_UNAVAILABLE;
  }
  Printer printer(options.verbosity > 1);
  Client client;
  client.host = "localhost";
  client.address = net::IpAddress::parse("127.0.0.1");
  Origin origin = place_client(*context.settings, client);
  trace(options, "mlfi_connect() returned SMFIS_CONTINUE");
  Transaction message(context, origin, printer);
  message.rcpt("<unknown@localhost>");
  std::string_view body = give_headers(*text, message);
  message.end_of_headers();
  trace(options, file + ": mlfi_eoh() returned SMFIS_CONTINUE");
  give_body(body, strict, message);
  Reply reply = message.end_of_message();
  trace(options,
        fmt::format("{}: mlfi_eom() returned {}", file, reply_name(reply)));
  print_verdict(file, message);
  return EX_OK;
}

}  // namespace

int run_test_mode(const Options& options, const ReadConf& read) {
  config::opendkim::Conf conf = read.conf;
  bool mode_given = false;
  for (const auto& setting : options.settings) {
    mode_given = mode_given || setting.first == "Mode";
  }
  if (!mode_given) conf.set("Mode", "v");
  Filter filter(options);
  if (auto loaded = filter.load(conf, read.file, geteuid()); !loaded) {
    (void)write_all(STDERR_FILENO,
                    fmt::format("opendkim: {}\n", loaded.error().what));
    return EX_CONFIG;
  }
  auto context = filter.context();
  int status = EX_OK;
  for (std::string_view file : split(options.test_files, ",")) {
    status = std::max(
        status, evaluate(options, *context, conf.boolean("StrictTestMode"),
                         std::string(file)));
  }
  return status;
}

}  // namespace mail::dkim_milter
