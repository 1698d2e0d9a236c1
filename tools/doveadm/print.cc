#include "tools/doveadm/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/ipc/tabbed.h"

namespace mail::doveadm {

namespace {

constexpr size_t kTableWidth = 80;

std::string json(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 32) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// Columns of UTF-8 text, a code point each.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::optional<Printer::Form> Printer::parse(std::string_view name) {
  constexpr std::pair<std::string_view, Form> kForms[] = {
      {"flow", Form::Flow},
      {"tab", Form::Tab},
      {"pager", Form::Pager},
      {"table", Form::Table},
      {"json", Form::Json}};
  for (auto [known, form] : kForms) {
    if (known == name) return form;
  }
  return std::nullopt;
}

void Printer::columns(std::vector<std::string> names,
                      std::optional<size_t> flexible) {
  std::vector<Column> all;
  for (auto& name : names) all.push_back({std::move(name)});
  show_columns(std::move(all), flexible);
}

void Printer::show_columns(std::vector<Column> columns,
                           std::optional<size_t> flexible) {
  columns_ = std::move(columns);
  flexible_ = flexible;
  if (form_ == Form::Json) out_ += '[';
  if (form_ != Form::Tab) return;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out_ += '\t';
    out_ += columns_[i].name();
  }
  out_ += '\n';
}

void Printer::put_value(const Column& column, const std::string& value,
                        bool first) {
  switch (form_) {
    case Form::Flow:
      if (!first) out_ += ' ';
      if (!column.hide_title) out_ += column.name() + '=';
      out_ += value;
      break;
    case Form::Tab:
      if (!first) out_ += '\t';
      out_ += column.text ? value + '\t' : ipc::tab_escape(value);
      break;
    case Form::Pager:
      if (!column.hide_title) {
        out_ += column.name() + (column.text ? ":\n" : ": ");
      }
      out_ += value;
      if (!column.text) out_ += '\n';
      break;
    default:
      if (!first) out_ += ',';
      out_ += fmt::format("{}:{}", json(column.key), json(value));
  }
}

void Printer::row(std::vector<std::string> values) {
  CHECK(values.size() == columns_.size());
  if (form_ == Form::Table) {
    rows_.push_back(std::move(values));
    return;
  }
  if (form_ == Form::Pager && printed_ > 0) out_ += "\f\n";
  if (form_ == Form::Json) out_ += printed_ > 0 ? ",{" : "{";
  for (size_t i = 0; i < values.size(); ++i) {
    put_value(columns_[i], values[i], i == 0);
  }
  if (form_ == Form::Flow || form_ == Form::Tab) out_ += '\n';
  if (form_ == Form::Json) out_ += '}';
  ++printed_;
}

std::string Printer::table() const {
  if (columns_.empty()) return "";
  std::vector<size_t> widths;
  std::vector<std::string> titles;
  size_t total = columns_.size() - 1;
  for (size_t i = 0; i < columns_.size(); ++i) {
    titles.push_back(columns_[i].name());
    size_t width = width_of(titles[i]);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i]));
    widths.push_back(width);
    total += width;
  }
  if (total < kTableWidth) {
    size_t room = kTableWidth - total;
    widths[flexible_.value_or(widths.size() - 1)] += room / 2;
  }
  std::string out;
  auto line = [&](const std::vector<std::string>& values) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out += ' ';
      out += values[i];
      bool pad = i + 1 < values.size() || !flexible_;
      size_t have = width_of(values[i]);
      if (pad && have < widths[i]) out.append(widths[i] - have, ' ');
    }
    out += '\n';
  };
  bool titled = std::any_of(columns_.begin(), columns_.end(),
                            [](const Column& c) { return !c.hide_title; });
  if (titled) line(titles);
  for (const auto& row : rows_) line(row);
  return out;
}

std::string Printer::take() { return std::exchange(out_, ""); }

std::string Printer::finish() {
  if (finished_) return "";
  finished_ = true;
  if (form_ == Form::Table) out_ += table();
  if (form_ == Form::Json && !columns_.empty()) out_ += ']';
  return take();
}

}  // namespace mail::doveadm
