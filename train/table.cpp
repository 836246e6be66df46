// Column widths are those of the widest cells; if the box does not fit, the widest column gives
// way.
#include <entasis/train/table.h>

#include <algorithm>
#include <utility>

#include <entasis/core/error.h>
#include <entasis/train/internal/text.h>

namespace entasis::train {
namespace {

constexpr int kMinColumn = 6;

std::string repeat(const char* part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

std::string aligned(const std::string& cell, int width, Align align) {
  const std::string fitted = internal::shorten(cell, width, "…");
  const std::string space = repeat(" ", std::max(width - internal::display_width(fitted), 0));
  return align == Align::kLeft ? fitted + space : space + fitted;
}

std::string without_trailing_space(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

// A horizontal line such as "├────┼────┤".
std::string rule(const std::vector<int>& widths, const char* left, const char* middle,
                 const char* right) {
  std::string text = left;
  for (size_t i = 0; i < widths.size(); ++i) {
    text += (i == 0 ? "" : middle) + repeat("─", widths[i] + 2);
  }
  return text + right;
}

}  // namespace

Table::Table(std::vector<TableColumn> columns, std::string title)
    : columns_(std::move(columns)), title_(internal::printable(title)) {
  if (columns_.empty()) throw ValueError("Table: needs at least one column");
  for (TableColumn& column : columns_) column.name = internal::printable(column.name);
}

void Table::add(const std::vector<std::string>& cells) {
  if (cells.size() != columns_.size()) {
    throw ValueError("Table: a row of " + std::to_string(cells.size()) + " cells in a table of " +
                     std::to_string(columns_.size()) + " columns");
  }
  std::vector<std::string>& row = rows_.emplace_back();
  for (const std::string& cell : cells) row.push_back(internal::printable(cell));
}

std::string Table::render(const LineStyle& style) const {
  bool has_head = false;
  std::vector<int> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    int width = internal::display_width(columns_[i].name);
    has_head = has_head || width > 0;
    for (const auto& row : rows_) width = std::max(width, internal::display_width(row[i]));
    widths.push_back(width);
  }
  const auto box_width = [&] {
    int total = 1;
    for (const int width : widths) total += width + 3;
    return total;
  };
  while (style.unicode && box_width() > style.width) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kMinColumn) break;
    *widest = std::max(kMinColumn, *widest - (box_width() - style.width));
  }

  const auto paint = [&](const char* colour, const std::string& text) {
    return style.colour && !text.empty() ? colour + text + "\033[0m" : text;
  };
  const auto dim = [&](const std::string& text) { return paint("\033[2m", text); };
  const auto bold = [&](const std::string& text) { return paint("\033[1m", text); };
  const auto line = [&](const auto& cell, bool head) {
    std::string text = style.unicode ? dim("│") + " " : "";
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) text += style.unicode ? " " + dim("│") + " " : "  ";
      const std::string shown = aligned(cell(i), widths[i], columns_[i].align);
      text += head ? bold(shown) : shown;
    }
    return (style.unicode ? text + " " + dim("│") : without_trailing_space(text)) + "\n";
  };

  std::string out = title_.empty() ? "" : bold(title_) + "\n";
  if (style.unicode) out += dim(rule(widths, "╭", "┬", "╮")) + "\n";
  if (has_head) {
    out += line([&](size_t i) { return columns_[i].name; }, true);
    if (style.unicode) {
      out += dim(rule(widths, "├", "┼", "┤")) + "\n";
    } else {
      out +=
          line([&](size_t i) { return std::string(static_cast<size_t>(widths[i]), '-'); }, false);
    }
  }
  for (const auto& row : rows_) out += line([&](size_t i) { return row[i]; }, false);
  if (style.unicode) out += dim(rule(widths, "╰", "┴", "╯")) + "\n";
  return out;
}

LineStyle table_style(const Terminal& terminal) {
  return {terminal_width(terminal), terminal.colour, terminal.unicode};
}

}  // namespace entasis::train
