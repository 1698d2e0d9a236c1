#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/maps/rhs_file.h"
#include "common/mime/mime_state.h"
#include "common/net/loop.h"
#include "tools/postmap/input.h"
#include "tools/postmap/request.h"

namespace mail::postmap {
namespace {

/// The tables of the command line, each opened when a key gets that far.
class Searched {
 public:
  explicit Searched(const Context& context)
      : context_(context), tables_(context.request.tables.size()) {}

  Result<maps::Table::Found> find(std::string_view key) {
    for (size_t i = 0; i < tables_.size(); ++i) {
      if (tables_[i] == nullptr) {
        TableName name = table_name(context_, context_.request.tables[i]);
        maps::OpenOptions open = context_.open;
        open.flags |= maps::flag::kBulk;
        tables_[i] = TRY(maps::open_table(name.text(), open));
      }
      auto found = TRY(ask(*tables_[i], key));
      if (found) return found;
    }
    return maps::Table::Found();
  }
  /// Lets writers of the tables go on.
  void release() {
    for (auto& table : tables_) {
      if (table != nullptr) (void)table->flush();  // nothing is written
    }
  }

 private:
  Result<maps::Table::Found> ask(maps::Table& table, std::string_view key);
  const Context& context_;
  std::vector<std::unique_ptr<maps::Table>> tables_;
};

Result<maps::Table::Found> Searched::ask(maps::Table& table,
                                         std::string_view key) {
  // Only a proxy table is awaited; the loop runs for its answer alone.
  auto found = table.remote() ? context_.loop->run(table.ask(std::string(key)))
                              : table.lookup(key);
  if (!found) {
    for (std::string_view line : split(found.error().what, "\n")) {
      context_.warn(line);
    }
    return fail(
        Fault::Temporary,
        fmt::format("table {}: query error: Application error", table.name()));
  }
  if (!*found) return found;
  if ((*found)->empty()) {
    context_.warn(
        fmt::format("table {}: key {}: empty string result is not allowed",
                    table.name(), key));
    context_.warn(fmt::format(
        "table {} should return NO RESULT in case of NOT FOUND", table.name()));
  }
  if (!context_.request.files) return found;
  return maps::Table::Found(TRY(maps::decode_value(table, **found)));
}

/// Prints "key TAB value" of what is found.
class Printer {
 public:
  explicit Printer(const Context& context)
      : context_(context), searched_(context) {}

  void key(std::string_view text) {
    if (!failure_) return;
    auto found = searched_.find(text);
    if (!found) {
      failure_ = fail(std::move(found).error());
      return;
    }
    if (!*found) return;
    any_ = true;
    bool alias = context_.request.program == Program::Postalias;
    output_ += text;
    output_ += alias ? ":\t" : "\t";
    output_ += **found;
    output_ += '\n';
    if (output_.size() > kMostOutput) pause();
  }
  /// Before something that may take long: no table stays locked.
  void pause() {
    searched_.release();
    auto written = context_.write(output_);
    if (!written && failure_) failure_ = fail(std::move(written).error());
    output_.clear();
  }
  const Result<>& state() const { return failure_; }
  Result<int> status() const {
    if (!failure_) return fail(failure_.error());
    return any_ ? 0 : 1;
  }

 private:
  const Context& context_;
  Searched searched_;
  Result<> failure_;
  bool any_ = false;
  static constexpr size_t kMostOutput = 1 << 20;
  std::string output_;
};

class MessageKeys : public mime::MimeSink {
 public:
  MessageKeys(const Request& request, Printer& printer)
      : request_(request), printer_(printer) {}
  void on_header(mime::HeaderClass, const mime::HeaderInfo*,
                 std::string_view text) override {
    // Headers of attachments count as body unless MIME is looked at.
    if (request_.headers) {
      printer_.key(text);
    } else if (primary_over_) {
      printer_.key(text);
    }
  }
  void on_primary_end() override { primary_over_ = true; }
  void on_body(std::string_view line, bool complete) override {
    if (!request_.body) return;
    body_ += line;
    if (!complete) return;
    printer_.key(body_);
    body_.clear();
  }

 private:
  const Request& request_;
  Printer& printer_;
  bool primary_over_ = false;
  std::string body_;
};

}  // namespace

Result<int> query(const Context& context, const std::string& key) {
  if (key.empty()) return 1;
  auto found = TRY(Searched(context).find(key));
  if (!found) return 1;
  TRY(context.write(*found + "\n"));
  return 0;
}

Result<int> query_input(const Context& context) {
  const Request& request = context.request;
  if (request.mime && !request.headers && !request.body) {
    context.warn("ignoring -m option without -b or -h");
  }
  Printer printer(context);
  if (!request.headers && !request.body) {
    TRY(for_each_line(
        [&](std::string_view line) {
          printer.key(line);
          return printer.state().has_value();
        },
        [&] { printer.pause(); }));
    printer.pause();
    return printer.status();
  }
  MessageKeys keys(request, printer);
  mime::MimeOptions options;
  options.parse_mime = request.mime;
  mime::MimeState state(options, keys);
  TRY(for_each_line(
      [&](std::string_view line) {
        state.line(line);
        return printer.state().has_value();
      },
      [&] { printer.pause(); }));
  state.finish();
  printer.pause();
  return printer.status();
}

}  // namespace mail::postmap
