#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::doveadm {

/// What a command answers, as rows of named columns, in one of the original's
/// forms (doveadm -f).
class Printer {
 public:
  enum class Form { Flow, Tab, Pager, Table, Json };
  static std::optional<Form> parse(std::string_view name);

  explicit Printer(Form form) : form_(form) {}
  Form form() const { return form_; }
  void set_form(Form form) { form_ = form; }

  /// A column. Forms that people read leave the title of a hidden one away.
  struct Column {
    std::string key;         ///< in JSON
    std::string title = {};  ///< empty: the key
    bool hide_title = false;
    /// Whole texts: on lines of their own, and in no table.
    bool text = false;
    const std::string& name() const { return title.empty() ? key : title; }
  };

  /// Once, before the first row. `flexible`: the column that takes the room a
  /// table leaves (the last unless told).
  void show_columns(std::vector<Column> columns,
                    std::optional<size_t> flexible = std::nullopt);
  void columns(std::vector<std::string> names,
               std::optional<size_t> flexible = std::nullopt);
  /// As many values as columns.
  void row(std::vector<std::string> values);
  /// What is left to be written; call it once, at the end.
  std::string finish();
  /// There is much to be taken.
  bool is_full() const { return out_.size() > (1 << 16); }
  /// Writes what is there as the form allows: rows may follow.
  std::string take();

 private:
  std::string table() const;
  void put_value(const Column& column, const std::string& value, bool first);

  Form form_;
  std::vector<Column> columns_;
  std::optional<size_t> flexible_;
  std::vector<std::vector<std::string>> rows_;  // of a table, until finish()
  std::string out_;
  size_t printed_ = 0;
  bool finished_ = false;
};

}  // namespace mail::doveadm
