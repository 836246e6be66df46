// Tables for the end of a run: aligned columns, with box drawing where the terminal has it.
// A table is first filled, then laid out, since its widths depend on all cells.
#pragma once

#include <string>
#include <vector>

#include <entasis/core/export.h>
#include <entasis/train/progress.h>

namespace entasis::train {

enum class Align { kLeft, kRight };

struct TableColumn {
  std::string name;  // the head; without any name there is no head row
  Align align = Align::kLeft;
};

class ENTASIS_API Table {
 public:
  // Throws ValueError without columns.
  explicit Table(std::vector<TableColumn> columns, std::string title = {});

  // Throws ValueError unless there is one cell a column. Control characters become '?'.
  void add(const std::vector<std::string>& cells);

  // The whole table with a line break at each line's end. Where `style.unicode` is set it is drawn
  // in a box of at most `style.width` columns and long cells lose their middle; elsewhere it is
  // plain text of any width, for logs and pipes.
  std::string render(const LineStyle& style) const;

 private:
  std::vector<TableColumn> columns_;
  std::string title_;
  std::vector<std::vector<std::string>> rows_;
};

// The style for standard output or error as it is now.
ENTASIS_API LineStyle table_style(const Terminal& terminal);

}  // namespace entasis::train
