// Rows: everything about a public function that can be walked. Bindings, docs, the op matrix,
// import and replay read them; a row's types and its dynamic call are made from the function's
// signature.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <entasis/core/ints.h>
#include <entasis/core/op.h>

namespace entasis {

// A dynamic argument or result. bool, integer and float stay apart, so that a dynamic call promotes
// exactly as a C++ call does.
using Value = std::variant<std::monostate, bool, int64_t, double, Tensor, Tensors, Dims,
                           std::string, DType, Device, Ints>;
using Values = std::vector<Value>;
using Results = SmallVector<Value, 1>;  // most functions have one: no allocation

enum class Kind : uint8_t {
  kBool,
  kInt,
  kFloat,
  kNumber,
  kOperand,
  kTensor,
  kTensors,
  kDims,
  kString,
  kDType,
  kDevice,
  kEnum,
  kInts,
  kNone,
};

struct Type {
  Kind kind = Kind::kNone;
  bool optional = false;
  std::span<const char* const> names = {};  // of an enum's values, in order
};

// Specialise for an enum that a public function takes: `static constexpr const char* names[]`.
template <class E>
struct EnumNames;

// A default as it can stand in a constinit row.
struct Default {
  enum class Kind : uint8_t { kRequired, kNone, kBool, kInt, kFloat, kDims, kEnum, kDType };
  Kind kind = Kind::kRequired;
  int64_t integer = 0;
  double real = 0;
  int64_t dims[4] = {};
  ENTASIS_API Value value() const;
};

struct Argument {
  const char* name = nullptr;
  Default fallback;
  Type type;
};

// `"dim"_a = -1`
struct ArgumentName {
  const char* name;
  constexpr operator Argument() const { return {name, {}, {}}; }
  template <class T>
  constexpr Argument operator=(T value) const {
    Argument a{name, {}, {}};
    if constexpr (std::is_same_v<T, std::nullopt_t>) {
      a.fallback.kind = Default::Kind::kNone;
    } else if constexpr (std::is_same_v<T, bool>) {
      a.fallback.kind = Default::Kind::kBool;
      a.fallback.integer = value;
    } else if constexpr (std::is_same_v<T, DType>) {
      a.fallback.kind = Default::Kind::kDType;
      a.fallback.integer = int64_t(value);
    } else if constexpr (std::is_enum_v<T>) {
      a.fallback.kind = Default::Kind::kEnum;
      a.fallback.integer = int64_t(value);
    } else if constexpr (std::is_integral_v<T>) {
      a.fallback.kind = Default::Kind::kInt;
      a.fallback.integer = value;
    } else if constexpr (std::is_floating_point_v<T>) {
      a.fallback.kind = Default::Kind::kFloat;
      a.fallback.real = value;
    } else {
      static_assert(std::is_same_v<T, Dims>, "no such default");
      a.fallback.kind = Default::Kind::kDims;
      a.fallback.integer = value.size();
      for (int i = 0; i < value.size(); ++i) a.fallback.dims[i] = value[i];
    }
    return a;
  }
};
consteval ArgumentName operator""_a(const char* name, size_t) { return {name}; }

inline constexpr int kMaxArguments = 14;

// How mixed precision treats a function.
enum class Precision : uint8_t { kAny, kLow, kFloat32, kPromote };

struct RowOptions {
  const char* torch = nullptr;  // PyTorch's twin where its name differs; "" if it has none
  const char* why_no_torch = nullptr;
  Precision precision = Precision::kAny;
  bool deterministic = true;
  bool method = true;             // also a method of Tensor in Python
  const char* results = nullptr;  // names of several results, space-separated
  bool variadic = false;          // Python takes the tensors of the first argument one by one too
};

struct Row {
  const char* name;
  const char* doc;  // one paragraph
  RowOptions options;
  int count = 0;
  std::array<Argument, kMaxArguments> storage = {};
  Type returns;
  // Takes one value per argument. Throws Error if a value does not fit its type.
  Results (*call)(const Row& row, std::span<const Value> arguments, Location at) = nullptr;

  std::span<const Argument> arguments() const { return {storage.data(), size_t(count)}; }
};

// Calls a row: `arguments` positional, missing ones from the defaults. Throws ValueError for too
// many, too few or ill-typed arguments.
ENTASIS_API Results invoke(const Row& row, std::span<const Value> arguments, Location at = {});

// ---- From C++ types to Kinds and back.
template <class T>
struct Convert;

namespace internal {
[[noreturn]] ENTASIS_API void throw_bad_value(const Row& row, int index, const Value& value);
inline bool is_number(const Value& value) {
  return std::holds_alternative<double>(value) || std::holds_alternative<int64_t>(value) ||
         std::holds_alternative<bool>(value);
}
// No value stands for an undefined tensor.
inline bool is_operand(const Value& value) {
  return std::holds_alternative<Tensor>(value) || is_number(value) ||
         std::holds_alternative<std::monostate>(value);
}
// Only of a value that is_operand().
ENTASIS_API Operand operand_of(const Value& value);
ENTASIS_API std::optional<double> real_of(const Value& value);
ENTASIS_API std::optional<int64_t> enum_of(const Value& value, std::span<const char* const> names);
}  // namespace internal

template <class T, Kind K>
struct ConvertExact {
  static constexpr Type type{K, false, {}};
  static bool fits(const Value& v) { return std::holds_alternative<T>(v); }
  static const T& from(const Value& v) { return std::get<T>(v); }
};
template <>
struct Convert<bool> : ConvertExact<bool, Kind::kBool> {};
template <>
struct Convert<int64_t> : ConvertExact<int64_t, Kind::kInt> {};
template <>
struct Convert<Tensors> : ConvertExact<Tensors, Kind::kTensors> {};
template <>
struct Convert<Dims> : ConvertExact<Dims, Kind::kDims> {};
template <>
struct Convert<Ints> {
  static constexpr Type type{Kind::kInts, false, {}};
  static bool fits(const Value& v) {
    return std::holds_alternative<int64_t>(v) || std::holds_alternative<Dims>(v) ||
           std::holds_alternative<Ints>(v);
  }
  static Ints from(const Value& v) {
    if (const auto* one = std::get_if<int64_t>(&v)) return *one;
    if (const auto* dims = std::get_if<Dims>(&v)) return *dims;
    return std::get<Ints>(v);
  }
};
template <>
struct Convert<std::string> : ConvertExact<std::string, Kind::kString> {};
template <>
struct Convert<DType> : ConvertExact<DType, Kind::kDType> {};
template <>
struct Convert<Device> : ConvertExact<Device, Kind::kDevice> {};
// A tensor; an argument that defaults to an undefined one is optional.
template <>
struct Convert<Tensor> {
  static constexpr Type type{Kind::kTensor, false, {}};
  static bool fits(const Value& v) {
    return std::holds_alternative<Tensor>(v) || std::holds_alternative<std::monostate>(v);
  }
  static Tensor from(const Value& v) {
    return std::holds_alternative<Tensor>(v) ? std::get<Tensor>(v) : Tensor();
  }
};
template <>
struct Convert<double> {
  static constexpr Type type{Kind::kFloat, false, {}};
  static bool fits(const Value& v) { return internal::real_of(v).has_value(); }
  static double from(const Value& v) { return *internal::real_of(v); }
};
template <>
struct Convert<Number> {
  static constexpr Type type{Kind::kNumber, false, {}};
  static bool fits(const Value& v) { return internal::is_number(v); }
  static Number from(const Value& v) { return internal::operand_of(v).number(); }
};
template <>
struct Convert<Operand> {
  static constexpr Type type{Kind::kOperand, false, {}};
  static bool fits(const Value& v) { return internal::is_operand(v); }
  static Operand from(const Value& v) { return internal::operand_of(v); }
};
template <class T>
struct Convert<std::optional<T>> {
  static constexpr Type type{Convert<T>::type.kind, true, Convert<T>::type.names};
  static bool fits(const Value& v) {
    return std::holds_alternative<std::monostate>(v) || Convert<T>::fits(v);
  }
  static std::optional<T> from(const Value& v) {
    if (std::holds_alternative<std::monostate>(v)) return std::nullopt;
    return Convert<T>::from(v);
  }
};
// An enum travels as its name or its number.
template <class E>
  requires std::is_enum_v<E>
struct Convert<E> {
  static constexpr Type type{Kind::kEnum, false, EnumNames<E>::names};
  static bool fits(const Value& v) { return internal::enum_of(v, EnumNames<E>::names).has_value(); }
  static E from(const Value& v) { return E(*internal::enum_of(v, EnumNames<E>::names)); }
};

// Results: a value, or a struct with a `values()` that lists them, or a `list()` where `values` is
// one of them.
template <class R>
Results to_results(R result) {
  Results v;
  if constexpr (requires { Value(result); }) {
    v.emplace_back(std::move(result));
  } else if constexpr (requires { result.list(); }) {
    for (Tensor& t : result.list()) v.emplace_back(std::move(t));
  } else {
    for (Tensor& t : result.values()) v.emplace_back(std::move(t));
  }
  return v;
}

template <auto F>
struct RowMaker;
template <class R, class... A, R (*F)(A...)>
struct RowMaker<F> {
  static constexpr int count = int(sizeof...(A)) - 1;  // the last is Location
  using Types = std::tuple<std::remove_cvref_t<A>...>;
  template <size_t I>
  using At = std::tuple_element_t<I, Types>;

  template <size_t... I>
  static Results call_with(std::index_sequence<I...>, const Row& row, std::span<const Value> v,
                           Location at) {
    ((Convert<At<I>>::fits(v[I]) ? void() : internal::throw_bad_value(row, int(I), v[I])), ...);
    return to_results<std::remove_cvref_t<R>>(F(Convert<At<I>>::from(v[I])..., at));
  }
  static Results call(const Row& row, std::span<const Value> v, Location at) {
    return call_with(std::make_index_sequence<size_t(count)>(), row, v, at);
  }
  template <size_t... I>
  static constexpr void set_types(std::index_sequence<I...>, Row& row) {
    ((row.storage[I].type = Convert<At<I>>::type), ...);
    ((row.storage[I].type.optional |= row.storage[I].fallback.kind == Default::Kind::kNone), ...);
  }
  static consteval Row make(const char* name, std::span<const Argument> arguments, const char* doc,
                            RowOptions options) {
    static_assert(std::is_same_v<At<size_t(count)>, Location>, "the last parameter is a Location");
    static_assert(count <= kMaxArguments);
    if (int(arguments.size()) != count) throw "a row needs one name per argument";
    Row row{};
    row.name = name;
    row.doc = doc;
    row.options = options;
    row.count = count;
    for (int i = 0; i < count; ++i) row.storage[size_t(i)] = arguments[size_t(i)];
    set_types(std::make_index_sequence<size_t(count)>(), row);
    if constexpr (requires { Convert<std::remove_cvref_t<R>>::type; }) {
      row.returns = Convert<std::remove_cvref_t<R>>::type;
    } else {
      row.returns = {Kind::kTensors, false, {}};
    }
    row.call = &call;
    return row;
  }
};

// Argument names in order, plain or with a default: `args("input", "dim"_a = -1)`.
template <class... A>
consteval auto args(A... arguments) {
  auto one = [](auto a) -> Argument {
    if constexpr (std::is_same_v<decltype(a), const char*>) {
      return {a, {}, {}};
    } else {
      return a;
    }
  };
  return std::array<Argument, sizeof...(A)>{one(arguments)...};
}

template <auto F, size_t N>
consteval Row row(const char* name, const std::array<Argument, N>& arguments, const char* doc,
                  RowOptions options = {}) {
  return RowMaker<F>::make(name, arguments, doc, options);
}

// What one file of ops contributes: its rows, and the ops that kernels may be added to.
struct RowList {
  std::span<const Row> rows;
  std::span<OpInfo* const> ops;
};

// All rows, sorted by name: the library's and those registered since.
ENTASIS_API std::span<const Row* const> all_rows();
ENTASIS_API const Row* find_row(std::string_view name);  // null if there is none
// All ops that kernels can be added to; for walks and self-checks.
ENTASIS_API std::vector<OpInfo*> all_ops();
ENTASIS_API OpInfo* find_op(std::string_view name);
// Adds a program's own rows and ops; the list must outlive the process. Throws ValueError if a name
// is taken.
ENTASIS_API void register_rows(const RowList& list);

}  // namespace entasis
