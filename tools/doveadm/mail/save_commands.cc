// doveadm save, import.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/file.h"
#include "tools/doveadm/mail/run.h"

namespace mail::doveadm {

namespace {

constexpr size_t kPiece = 256 * 1024;

/// A message to be saved, readable again for each user.
struct Input {
  UniqueFd fd;
  std::string name;  ///< "foo", for messages
  int error = 0;     ///< it could not be opened
};

/// A pipe can be read once: what comes goes to a file without a name.
UniqueFd spool(Context& context, int from) {
  UniqueFd out(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (out.get() < 0) {
    context.fatal(fmt::format("open(/tmp) failed: {}", strerror(errno)));
  }
  std::string buffer(kPiece, '\0');
  while (true) {
    ssize_t n = read(from, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      context.fatal(fmt::format("read(stdin) failed: {}", strerror(errno)));
    }
    if (n == 0) return out;
    std::string_view bytes(buffer.data(), static_cast<size_t>(n));
    auto written = write_all(out.get(), bytes);
    if (!written) context.fatal(written.error().what);
  }
}

Input open_input(Context& context, const std::vector<std::string>& words) {
  Input out;
  if (words.empty()) {
    out.fd = spool(context, STDIN_FILENO);
    out.name = "stdin";
    return out;
  }
  out.name = words[0];
  out.fd = UniqueFd(open(words[0].c_str(), O_RDONLY | O_CLOEXEC));
  if (out.fd.get() < 0) {
    out.error = errno;
    return out;
  }
  struct stat info{};
  if (fstat(out.fd.get(), &info) == 0 && !S_ISREG(info.st_mode)) {
    out.fd = spool(context, out.fd.get());
  }
  return out;
}

Result<> save_one(mailbox::Mailbox& box, const Input& input) {
  auto saving = TRY(box.save());
  TRY(saving->begin({}));
  std::string buffer(kPiece, '\0');
  for (off_t at = 0;;) {
    ssize_t n = pread(input.fd.get(), buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + input.name, errno);
    if (n == 0) break;
    TRY(saving->write(std::string_view(buffer.data(), static_cast<size_t>(n))));
    at += n;
  }
  TRY(saving->end());
  TRY(saving->finish());
  return {};
}

int save(Context& context) {
  MailRun run(context, "m:");
  std::string name = run.has('m') ? run.option('m') : "INBOX";
  Input input;
  bool opened = false;
  return run.each([&](UserMail& mail) {
    if (!opened) input = open_input(context, run.words(0));
    opened = true;
    auto box = mail.storage.open_mailbox(name, mailbox::OpenMode::ReadWrite);
    if (!box) {
      mail.failed("Failed to open mailbox " + name, box.error());
      return;
    }
    if (input.error != 0) {
      mail.error(fmt::format("Mailbox {}: Saving mail: open({}) failed: {}",
                             name, input.name, strerror(input.error)));
      return;
    }
    auto saved = save_one(**box, input);
    if (!saved) mail.failed("Saving failed", saved.error());
  });
}

/// Where a mailbox of the source goes: below `parent`, its parts set apart
/// as the destination does it.
std::string destination(UserMail& mail, const mailbox::Storage& source,
                        const std::string& parent, std::string name) {
  char separator = mail.storage.separator();
  for (char& c : name) {
    if (c == source.separator()) c = separator;
  }
  return parent.empty() ? name : parent + separator + name;
}

Result<> import_one(UserMail& mail, const std::string& name, bool subscribe,
                    UserMail::Found& found) {
  if (!TRY(mail.storage.exists(name))) TRY(mail.storage.create(name));
  if (subscribe) TRY(mail.storage.subscribe(name));
  auto to = TRY(mail.storage.open_mailbox(name, mailbox::OpenMode::ReadWrite));
  TRY(found.box.copy(found.uids, *to));
  return {};
}

int import(Context& context) {
  MailRun run(context, "U:s");
  const auto& words = run.words(3);
  if (run.has('U')) {
    context.fatal("doveadm import: -U is not built yet");
  }
  Query query = run.query(2);
  bool subscribe = run.has('s');
  return run.each([&](UserMail& mail) {
    mailbox::UserSettings settings = mail.storage.settings();
    settings.mail_location = mail.account.expand(words[0], nullptr);
    settings.namespaces.clear();
    auto source = mailbox::Storage::open(mail.registry, std::move(settings));
    if (!source) {
      std::string why = source.error().what;
      std::string_view prefix = "Namespace '': ";
      if (why.starts_with(prefix)) why.erase(0, prefix.size());
      (void)write_all(
          STDERR_FILENO,
          fmt::format("doveadm({}): Fatal: Import namespace initialization "
                      "failed: Initializing mail storage from mail_location "
                      "parameter failed: {}\n",
                      getpid(), why));
      _exit(kFailed);
    }
    UserMail from(context, mail.registry, mail.account, **source, false);
    from.search(query, {}, [&](UserMail::Found& found) {
      std::string name =
          destination(mail, **source, words[1], found.box.name());
      auto done = import_one(mail, name, subscribe, found);
      if (!done) {
        mail.failed(fmt::format("Importing into mailbox {} failed", name),
                    done.error());
      }
    });
    if (from.status() != kOk) mail.take_status(from.status());
  });
}

}  // namespace

std::vector<Command> mail_save_commands() {
  return {{"save", save}, {"import", import}};
}

}  // namespace mail::doveadm
