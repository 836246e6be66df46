// Text of tensors. Only the elements that are shown are read; they decide the common format.
#include <entasis/ops/print.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include <entasis/core/autograd.h>
#include <entasis/core/node.h>
#include <entasis/core/op.h>
#include <entasis/core/row.h>
#include <entasis/ops/copy.h>

namespace entasis {
namespace {

constexpr char kOpening[] = "tensor(";
constexpr int kIndent = sizeof kOpening - 1;

// One number, padded by nobody's locale.
std::string text_of(double value, std::chars_format format, int precision) {
  char buffer[400];  // 1.8e308 in full has 309 digits
  precision = std::clamp(precision, 0, 60);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, format, precision).ptr;
  return {buffer, end};
}

// How all floating-point elements are written: PyTorch's choice. Whole numbers as "3."; scientific
// if the magnitudes span more than 1000, reach 10^8 or, unless whole, fall below 10^-4.
class FloatFormat {
 public:
  FloatFormat(const std::vector<double>& values, int precision) : precision_(precision) {
    double largest = 0, smallest = INFINITY;
    for (double v : values) {
      if (!std::isfinite(v) || v == 0) continue;
      largest = std::max(largest, std::abs(v));
      smallest = std::min(smallest, std::abs(v));
      whole_ &= v == std::trunc(v);
    }
    if (largest > 0) {
      scientific_ = largest / smallest > 1000 || largest > 1e8 || (!whole_ && smallest < 1e-4);
    }
  }
  std::string operator()(double value) const {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    if (scientific_) return text_of(value, std::chars_format::scientific, precision_);
    if (whole_) return text_of(value, std::chars_format::fixed, 0) + ".";
    return text_of(value, std::chars_format::fixed, precision_);
  }

 private:
  int precision_;
  bool whole_ = true;
  bool scientific_ = false;
};

class Printer {
 public:
  Printer(const Tensor& tensor, const PrintOptions& options)
      : tensor_(tensor), options_(options), edge_(std::max(options.edge_items, 0)) {
    summarizes_ = tensor.numel() > options.threshold;
  }

  std::string print() {
    make_cells();
    return tensor_.dim() == 0 ? cells_[0] : print_dim(0);
  }

 private:
  // Along a dimension, the indices that are left out: [edge, size - edge).
  bool skips(int dim) const { return summarizes_ && tensor_.shape()[dim] > 2 * edge_; }

  // Calls f(index) for the shown indices along a dimension, and gap() between its two ends.
  template <class F, class Gap>
  void each_shown(int dim, F f, Gap gap) const {
    const int64_t size = tensor_.shape()[dim], edge = edge_;
    const int64_t first = skips(dim) ? edge : size;
    for (int64_t i = 0; i < first; ++i) f(i);
    if (!skips(dim)) return;
    gap();
    for (int64_t i = size - edge; i < size; ++i) f(i);
  }

  // Calls f(offset) for the shown elements, in order.
  template <class F>
  void each_element(int dim, int64_t offset, F& f) const {
    if (dim == tensor_.dim()) return f(offset);
    each_shown(
        dim, [&](int64_t i) { each_element(dim + 1, offset + i * tensor_.strides()[dim], f); },
        [] {});
  }

  // The texts of the shown elements, of one width.
  void make_cells() {
    dispatch_dtype(tensor_.dtype(), [&]<class T>(TypeTag<T>) {
      const T* data = tensor_.raw_as<T>();
      if constexpr (std::is_same_v<T, bool>) {
        add_cells([&](int64_t offset) { return std::string(data[offset] ? "true" : "false"); });
      } else if constexpr (std::is_integral_v<T>) {
        add_cells([&](int64_t offset) { return std::to_string(data[offset]); });
      } else {
        std::vector<double> values;
        auto collect = [&](int64_t offset) { values.push_back(convert<double>(data[offset])); };
        each_element(0, 0, collect);
        const FloatFormat format(values, options_.precision);
        add_cells([&](int64_t offset) { return format(convert<double>(data[offset])); });
      }
    });
    for (std::string& cell : cells_) cell.insert(0, width_ - cell.size(), ' ');
  }

  template <class Text>
  void add_cells(Text text) {
    auto add = [&](int64_t offset) {
      cells_.push_back(text(offset));
      width_ = std::max(width_, cells_.back().size());
    };
    each_element(0, 0, add);
  }

  // "[…]" of one slice along the outer dimensions; takes the next cells.
  std::string print_dim(int dim) {
    const int rest = tensor_.dim() - dim;
    return rest == 1 ? print_row(dim) : print_slices(dim, rest);
  }

  std::string line_start(int dim) const { return std::string(size_t(kIndent + dim + 1), ' '); }

  std::string print_slices(int dim, int rest) {
    const std::string separator = "," + std::string(size_t(rest - 1), '\n') + line_start(dim);
    std::string text;
    auto add = [&](const std::string& part) {
      if (!text.empty()) text += separator;
      text += part;
    };
    each_shown(
        dim, [&](int64_t) { add(print_dim(dim + 1)); }, [&] { add("..."); });
    return "[" + text + "]";
  }

  // The innermost dimension, broken into lines of as many cells as fit.
  std::string print_row(int dim) {
    const int64_t room = options_.line_width - kIndent - dim;
    const int64_t per_line = std::max<int64_t>(1, room / int64_t(width_ + 2));
    std::string text;
    int64_t count = 0;
    auto add = [&](const std::string& cell) {
      if (count > 0) text += count % per_line == 0 ? ",\n" + line_start(dim) : ", ";
      text += cell;
      ++count;
    };
    each_shown(
        dim, [&](int64_t) { add(cells_[next_++]); }, [&] { add("..."); });
    return "[" + text + "]";
  }

  const Tensor& tensor_;
  const PrintOptions& options_;
  int64_t edge_;
  bool summarizes_;
  std::vector<std::string> cells_;
  size_t width_ = 0;
  size_t next_ = 0;
};

// The facts that the elements do not show.
std::vector<std::string> suffixes_of(const Tensor& tensor) {
  std::vector<std::string> suffixes;
  const DType dtype = tensor.dtype();
  const bool shown = tensor.numel() > 0 && !tensor.device().is_meta();
  // 3 is i64, 3. is f32 and true is bool unless another dtype is named.
  const bool obvious = dtype == kF32 || (shown && (dtype == kI64 || dtype == kBool));
  if (!shown && !(tensor.shape() == Dims{0}))
    suffixes.push_back("shape=" + to_string(tensor.shape()));
  if (!obvious) suffixes.push_back(std::string("dtype=") + name_of(dtype));
  if (!tensor.device().is_cpu()) suffixes.push_back("device=" + to_string(tensor.device()));
  if (const Node* node = tensor.grad_fn()) {
    suffixes.push_back(std::string("grad_fn=") + node->op->name);
  } else if (tensor.requires_grad()) {
    suffixes.push_back("requires_grad=true");
  }
  return suffixes;
}

}  // namespace

std::string to_string(const Tensor& tensor, const PrintOptions& options) {
  if (!tensor.defined()) return "tensor(undefined)";
  std::string text = kOpening;
  if (tensor.device().is_meta()) {
    text += "...";
  } else if (tensor.numel() == 0) {
    text += "[]";
  } else {
    const NoGrad no_grad;
    text += Printer(to_device(tensor.detach(), kCPU), options).print();
  }
  const size_t line = text.rfind('\n');
  size_t length = text.size() - (line == std::string::npos ? 0 : line + 1);
  for (const std::string& suffix : suffixes_of(tensor)) {
    const bool breaks = length + suffix.size() + 2 > size_t(std::max(options.line_width, 0));
    text += breaks ? ",\n" + std::string(kIndent, ' ') : ", ";
    text += suffix;
    length = (breaks ? size_t(kIndent) : length + 2) + suffix.size();
  }
  return text + ")";
}

extern const RowList rows_print;
constinit const RowList rows_print{};

}  // namespace entasis
