// entasis-accuracy: the largest error of each function of one f32 tensor, over all 2^32 of them.
//
// The truth is the same row in f64, whose own errors (a few units of 2^-53) do not show in f32; it
// is held to the C library by tests/kernels/simd_math_test.cpp, and here, where there is such a
// function, at every 4099th number. A unit in the last place (ulp) is that of the true value.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/row.h>
#include <entasis/entasis.h>
#include <entasis/tests/kernels/ulp.h>

namespace {

using namespace entasis;

constexpr int64_t kChunk = int64_t{1} << 20;  // numbers at a time
constexpr int64_t kGrain = 1 << 14;
constexpr int64_t kLibraryStep = 4099;

struct Worst {
  double ulps = 0;
  float at = 0;
  void add(double error, float x) {
    if (error > ulps) *this = {error, x};
  }
};

struct LibraryFunction {
  const char* row;
  double (*f)(double);
};
constexpr LibraryFunction kLibrary[] = {
    {"acos", std::acos},   {"acosh", std::acosh},   {"asin", std::asin}, {"asinh", std::asinh},
    {"atan", std::atan},   {"atanh", std::atanh},   {"cos", std::cos},   {"cosh", std::cosh},
    {"erf", std::erf},     {"erfc", std::erfc},     {"exp", std::exp},   {"exp2", std::exp2},
    {"expm1", std::expm1}, {"lgamma", std::lgamma}, {"log", std::log},   {"log10", std::log10},
    {"log1p", std::log1p}, {"log2", std::log2},     {"sin", std::sin},   {"sinh", std::sinh},
    {"sqrt", std::sqrt},   {"tan", std::tan},       {"tanh", std::tanh}};

// In f64 the row is 1 + erf, which loses what is left far below zero.
double gelu_truth(double x) { return 0.5 * x * std::erfc(-x * 0.70710678118654752); }

double (*library_function(std::string_view row))(double) {
  for (const LibraryFunction& each : kLibrary) {
    if (row == each.row) return each.f;
  }
  return nullptr;
}

Tensor call(const Row& row, const Tensor& input) {
  const Value argument = input;
  return std::get<Tensor>(invoke(row, {&argument, 1})[0]);
}

// Whether a row is a function of each element of one f32 tensor that gives f32.
bool is_function(const Row& row) {
  const auto arguments = row.arguments();
  if (arguments.empty() || std::string_view(row.name).ends_with('_')) return false;
  const Kind kind = arguments[0].type.kind;
  if (kind != Kind::kTensor && kind != Kind::kOperand) return false;
  for (const Argument& argument : arguments.subspan(1)) {
    if (argument.fallback.kind == Default::Kind::kRequired) return false;
  }
  try {
    const Tensor x = linspace(0.2, 0.8, 5), y = call(row, x);
    return y.dtype() == kF32 && y.shape() == x.shape() &&
           eq(call(row, x.flip({0})), y.flip({0})).sum().item() == 5;
  } catch (const std::exception&) {
    return false;
  }
}

// What a walk over every `step`-th number found.
struct Walk {
  Worst normal;   // of results that are normal numbers
  Worst smaller;  // of the others, in units of 2^-149
  Worst library;  // of f64, in units of f32, beside the C library

  void add(const Walk& other) {
    normal.add(other.normal.ulps, other.normal.at);
    smaller.add(other.smaller.ulps, other.smaller.at);
    library.add(other.library.ulps, other.library.at);
  }
};

Walk walk(const Row& row, int64_t step) {
  double (*const library)(double) = library_function(row.name);
  const bool is_gelu = row.name == std::string_view("gelu");
  Walk found;
  Tensor x = empty({kChunk});
  for (int64_t first = 0; first < int64_t{1} << 32; first += kChunk * step) {
    float* inputs = x.mutable_data<float>();
    parallel_for(kChunk, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        inputs[i] = testing::from_bits<float>(uint32_t(first + i * step));
      }
    });
    const Tensor y = call(row, x), truth = call(row, x.to(kF64));
    const float* got = y.data<float>();
    const double* exact = truth.data<double>();
    std::vector<Walk> parts(size_t(kChunk / kGrain));
    parallel_for(kChunk, kGrain, [&](int64_t begin, int64_t end) {
      Walk part;
      for (int64_t i = begin; i < end; ++i) {
        const double value = is_gelu ? gelu_truth(inputs[i]) : exact[i];
        const double error = testing::ulp_error(got[i], value);
        (std::abs(value) < 0x1p-126 ? part.smaller : part.normal).add(error, inputs[i]);
        if (library != nullptr && i % kLibraryStep == 0) {
          part.library.add(testing::ulp_error(float(value), library(double(inputs[i]))), inputs[i]);
        }
      }
      parts[size_t(begin / kGrain)] = part;
    });
    for (const Walk& part : parts) found.add(part);
  }
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The largest error of each function of one f32 tensor.");
  std::vector<std::string> only;
  int64_t step = 1;
  int threads = num_threads();
  app.add_option("rows", only, "Only these rows");
  app.add_option("--every", step, "Only every n-th number")->check(CLI::Range(1, 1 << 12));
  app.add_option("--threads", threads)->check(CLI::Range(1, kMaxThreads));
  CLI11_PARSE(app, argc, argv);
  set_num_threads(threads);
  const NoGrad guard;
  std::printf(
      "| function | largest error (ulp) | at | of subnormal results | at | f64, C library |\n");
  std::printf("|---|---:|---:|---:|---:|---:|\n");
  std::string exact;
  for (const Row* row : all_rows()) {
    if (!only.empty() && std::ranges::find(only, row->name) == only.end()) continue;
    if (!is_function(*row)) continue;
    const Walk found = walk(*row, step);
    if (found.normal.ulps == 0 && found.smaller.ulps == 0) {
      exact += std::string(exact.empty() ? "`" : "` `") + row->name;
      continue;
    }
    std::printf("| `%s` | %.2f | %.9g | %.2f | %.9g | ", row->name, found.normal.ulps,
                double(found.normal.at), found.smaller.ulps, double(found.smaller.at));
    library_function(row->name) ? std::printf("%.2f |\n", found.library.ulps) : std::printf("|\n");
    std::fflush(stdout);
  }
  if (!exact.empty()) std::printf("\nExact: %s`\n", exact.c_str());
  return 0;
}
