#include "tools/postcat/printer.h"

#include <fmt/core.h>

#include <ctime>
#include <iterator>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/queuefile/content.h"

namespace mail::postcat {
namespace {

using queuefile::PlacedRecord;
using queuefile::Type;

enum class Place { Envelope, Header, Body, Extracted, Done };

/// As asctime(3) has it, local time.
std::string time_text(std::string_view digits) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed",
                                   "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  digits = trim_left(digits);
  // What stands behind the number (microseconds) is not shown.
  size_t end = digits.find_first_not_of("-0123456789");
  time_t when = parse_number<time_t>(digits.substr(0, end)).value_or(0);
  tm t{};
  if (localtime_r(&when, &t) == nullptr) return std::string(digits);
  return fmt::format("{} {} {:2} {:02}:{:02}:{:02} {}", kDays[t.tm_wday],
                     kMonths[t.tm_mon], t.tm_mday, t.tm_hour, t.tm_min,
                     t.tm_sec, t.tm_year + 1900);
}

/// A header's first line or one that continues it.
bool looks_like_header(std::string_view line) {
  if (line.empty()) return false;
  if (line[0] == ' ' || line[0] == '\t') return true;
  size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  auto name = trim_right(line.substr(0, colon));
  for (char c : name) {
    if (c <= ' ' || c == 127) return false;
  }
  return !name.empty();
}

/// The original takes these for the start of a queue file.
bool may_be_first(char type) {
  constexpr std::string_view kTypes = "CTcFILSDRO/WAK>MV<ion";
  return kTypes.find(type) != std::string_view::npos;
}

class Printer {
 public:
  Printer(queuefile::Source& source, std::string_view name,
          const Options& options, const Sink& sink)
      : walker_(source, options.start.value_or(0)),
        name_(name),
        options_(options),
        sink_(sink) {}

  Result<> run();

 private:
  Result<> one(const PlacedRecord& record);
  void size(const PlacedRecord& record);
  void message(const PlacedRecord& record);
  void text(const PlacedRecord& record);
  void extracted(const PlacedRecord& record);
  void end(const PlacedRecord& record);
  void attribute(const PlacedRecord& record);
  void named(const PlacedRecord& record, std::string_view value);
  void marker(const PlacedRecord& record, std::string_view what);
  void prefix(const PlacedRecord& record);
  void out_of_order(std::string_view what);
  void after_header();
  Result<> flush(size_t above);
  void warn(std::string_view text) {
    // In the order that a terminal shows.
    if (auto done = flush(0); !done) failed_ = std::move(done).error();
    sink_.warn(std::string(text));
  }
  bool in_content() const {
    return place_ == Place::Header || place_ == Place::Body;
  }

  queuefile::Walker walker_;
  std::string_view name_;
  const Options& options_;
  const Sink& sink_;
  Place place_ = Place::Envelope;
  std::optional<queuefile::Sizes> sizes_;
  uint64_t began_ = 0;    // where the reading of the record began
  bool partial_ = false;  // a line has been printed that is to go on
  std::string out_;
  std::optional<Error> failed_;
};

Result<> Printer::flush(size_t above) {
  if (failed_) return fail(*failed_);
  if (out_.size() <= above) return {};
  auto done = sink_.write(out_);
  out_.clear();
  return done;
}

void Printer::prefix(const PlacedRecord& record) {
  auto to = std::back_inserter(out_);
  if (options_.offsets) fmt::format_to(to, "{:9} ", began_);
  if (options_.decimal) {
    fmt::format_to(to, "{:3} ",
                   static_cast<int>(static_cast<unsigned char>(record.type)));
  }
}

void Printer::marker(const PlacedRecord& record, std::string_view what) {
  if (!options_.envelope) return;
  prefix(record);
  fmt::format_to(std::back_inserter(out_), "*** {} {} ***\n", what, name_);
}

void Printer::named(const PlacedRecord& record, std::string_view value) {
  prefix(record);
  auto name = queuefile::record_name(record.type);
  if (name.empty()) name = "unknown_record_type";
  if (in_content() && record.type == Type::Cont) name = "unterminated_text";
  fmt::format_to(std::back_inserter(out_), "{}: {}\n", name, value);
}

void Printer::out_of_order(std::string_view what) {
  warn(fmt::format("{}: out-of-order message {} marker", name_, what));
}

Result<> Printer::run() {
  if (!options_.start) {
    auto begin = TRY(walker_.source().fetch(0, 1));
    if (begin.empty()) return {};
    if (!may_be_first(begin[0])) {
      sink_.warn(fmt::format("{}: input is not a valid queue file", name_));
      return {};
    }
    if (options_.envelope) {
      out_ += fmt::format("*** ENVELOPE RECORDS {} ***\n", name_);
    }
  }
  while (place_ != Place::Done) {
    began_ = walker_.offset();
    auto record = walker_.next();
    if (!record) {
      if (record.error().fault != Fault::Protocol) {
        return fail(std::move(record).error());
      }
      TRY(flush(0));
      const auto& what = record.error().what;
      sink_.warn(
          fmt::format("{}: {}", name_, what.substr(0, what.rfind(" at "))));
      return fail(Fault::Protocol, "record read error");
    }
    if (!*record) break;
    TRY(one(**record));
    TRY(flush(64 << 10));
  }
  return flush(0);
}

Result<> Printer::one(const PlacedRecord& record) {
  switch (record.type) {
    case Type::Padding: {
      // What began with padding is shown to stand where that does.
      auto next = walker_.offset();
      auto after = walker_.next();
      if (!after || !*after) {
        walker_.seek(next);
        return {};
      }
      return one(**after);
    }
    case Type::Size:
      size(record);
      return {};
    case Type::Message:
      message(record);
      return {};
    case Type::Extracted:
      extracted(record);
      return {};
    case Type::End:
      end(record);
      return {};
    case Type::Text:
      text(record);
      return {};
    case Type::Cont:
      if (in_content()) {
        text(record);
        return {};
      }
      break;
    default:
      break;
  }
  // Strangers in the content are shown with the part they stand in.
  if (place_ == Place::Header ? !options_.header
      : place_ == Place::Body ? !options_.body
                              : !options_.envelope) {
    return {};
  }
  switch (record.type) {
    case Type::Time:
    case Type::WarnTime:
      named(record, time_text(record.data));
      break;
    case Type::Attribute:
      attribute(record);
      break;
    default:
      named(record, record.data);
  }
  return {};
}

void Printer::attribute(const PlacedRecord& record) {
  constexpr std::string_view kCreateTime = "create_time=";
  if (!record.data.starts_with(kCreateTime)) {
    named(record, record.data);
    return;
  }
  prefix(record);
  fmt::format_to(std::back_inserter(out_), "create_time: {}\n",
                 time_text(record.data.substr(kCreateTime.size())));
}

void Printer::size(const PlacedRecord& record) {
  if (options_.envelope) named(record, record.data);
  if (sizes_) {
    warn("file contains multiple size records");
    return;
  }
  auto sizes = queuefile::parse_sizes(record.data);
  if (!sizes || sizes->content_offset == 0 || sizes->content_size == 0) {
    warn(fmt::format("invalid size record: {}", record.data));
    return;
  }
  sizes_ = *sizes;
  if (options_.envelope || options_.start) return;
  walker_.seek(static_cast<uint64_t>(sizes_->content_offset));
  place_ = Place::Header;
}

void Printer::message(const PlacedRecord& record) {
  if (place_ != Place::Envelope) out_of_order("content");
  marker(record, "MESSAGE CONTENTS");
  place_ = Place::Header;
  if (!options_.header && !options_.body) after_header();
}

/// The rest of the content is of no interest.
void Printer::after_header() {
  if (options_.body || partial_) return;
  if (!options_.envelope) {
    place_ = Place::Done;
  } else if (sizes_) {
    walker_.seek(static_cast<uint64_t>(sizes_->content_offset) +
                 static_cast<uint64_t>(sizes_->content_size));
  }
}

void Printer::text(const PlacedRecord& record) {
  if (place_ == Place::Header && !looks_like_header(record.data)) {
    place_ = Place::Body;
  }
  bool wanted = place_ == Place::Header ? options_.header
                : place_ == Place::Body ? options_.body
                                        : options_.envelope;
  if (wanted || partial_) {
    bool ends = record.type == Type::Text || options_.offsets;
    if (options_.names) {
      named(record, record.data);
    } else {
      prefix(record);
      out_ += record.data;
      if (ends) out_ += '\n';
    }
    partial_ = !ends && !options_.names;
  }
  if (place_ == Place::Body) after_header();
}

void Printer::extracted(const PlacedRecord& record) {
  if (!in_content()) {
    warn(fmt::format("{}: out-of-order extracted segment marker", name_));
  }
  marker(record, "HEADER EXTRACTED");
  place_ = options_.envelope ? Place::Extracted : Place::Done;
}

void Printer::end(const PlacedRecord& record) {
  if (place_ != Place::Extracted && !options_.start) out_of_order("end");
  marker(record, "MESSAGE FILE END");
  place_ = Place::Done;
}

}  // namespace

Result<> print(queuefile::Source& source, std::string_view name,
               const Options& options, const Sink& sink) {
  return Printer(source, name, options, sink).run();
}

}  // namespace mail::postcat
