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

  /// Once, before the first row. `flexible`: the column that takes the room a
  /// table leaves (the last unless told).
  void columns(std::vector<std::string> names,
               std::optional<size_t> flexible = std::nullopt);
  /// As many values as columns.
  void row(std::vector<std::string> values);
  /// What is left to be written; call it once, at the end.
  std::string finish();
  /// Writes what is there as the form allows: rows may follow.
  std::string take();

 private:
  std::string table() const;

  Form form_;
  std::vector<std::string> names_;
  std::optional<size_t> flexible_;
  std::vector<std::vector<std::string>> rows_;  // of a table, until finish()
  std::string out_;
  size_t printed_ = 0;
  bool finished_ = false;
};

}  // namespace mail::doveadm
