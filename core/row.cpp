// Dynamic calls: defaults filled in, values checked against the row's types.
#include <entasis/core/row.h>

#include <cstring>

#include <entasis/core/error.h>

namespace entasis {
namespace {

const char* kind_name(Kind kind) {
  constexpr const char* names[] = {"bool",
                                   "int",
                                   "float",
                                   "number",
                                   "tensor or number",
                                   "tensor",
                                   "list of tensors",
                                   "list of ints",
                                   "string",
                                   "dtype",
                                   "device",
                                   "name",
                                   "int or list of ints",
                                   "none"};
  return names[int(kind)];
}

const char* value_name(const Value& value) {
  constexpr const char* names[] = {
      "none",         "bool",   "int",   "float",  "tensor",      "list of tensors",
      "list of ints", "string", "dtype", "device", "list of ints"};
  return names[value.index()];
}

}  // namespace

Value Default::value() const {
  switch (kind) {
    case Kind::kBool:
      return integer != 0;
    case Kind::kInt:
      return integer;
    case Kind::kEnum:
      return integer;
    case Kind::kFloat:
      return real;
    case Kind::kDType:
      return DType(integer);
    case Kind::kDims:
      return Dims(std::span<const int64_t>(dims, size_t(integer)));
    case Kind::kNone:
    case Kind::kRequired:
      break;
  }
  return std::monostate();
}

Results invoke(const Row& row, std::span<const Value> arguments, Location at) {
  if (arguments.size() > size_t(row.count)) {
    throw ValueError(std::string(row.name) + ": takes " + std::to_string(row.count) +
                         " arguments, got " + std::to_string(arguments.size()),
                     at);
  }
  Values all(arguments.begin(), arguments.end());
  for (int i = int(all.size()); i < row.count; ++i) {
    const Argument& argument = row.arguments()[size_t(i)];
    if (argument.fallback.kind == Default::Kind::kRequired) {
      throw ValueError(std::string(row.name) + ": argument '" + argument.name + "' is missing", at);
    }
    all.push_back(argument.fallback.value());
  }
  try {
    return row.call(row, all, at);
  } catch (Error& error) {
    error.place(row.name, at);
    throw;
  }
}

namespace internal {

void throw_bad_value(const Row& row, int index, const Value& value) {
  const Argument& argument = row.arguments()[size_t(index)];
  std::string expected = kind_name(argument.type.kind);
  if (argument.type.kind == Kind::kEnum) {
    expected = "one of";
    for (const char* name : argument.type.names) expected += std::string(" '") + name + "'";
  }
  std::string given = value_name(value);
  if (const auto* text = std::get_if<std::string>(&value)) given += " '" + *text + "'";
  throw ValueError(std::string("argument '") + argument.name + "' must be " + expected + ", not " +
                   given);
}

Operand operand_of(const Value& value) {
  if (const auto* t = std::get_if<Tensor>(&value)) return Operand(*t);
  if (const auto* b = std::get_if<bool>(&value)) return Operand(*b);
  if (const auto* i = std::get_if<int64_t>(&value)) return Operand(*i);
  if (const auto* d = std::get_if<double>(&value)) return Operand(*d);
  static const Tensor undefined;
  return Operand(undefined);
}

std::optional<double> real_of(const Value& value) {
  if (const auto* d = std::get_if<double>(&value)) return *d;
  if (const auto* i = std::get_if<int64_t>(&value)) return double(*i);
  return std::nullopt;
}

std::optional<int64_t> enum_of(const Value& value, std::span<const char* const> names) {
  if (const auto* i = std::get_if<int64_t>(&value)) {
    if (*i >= 0 && *i < int64_t(names.size())) return *i;
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    for (size_t k = 0; k < names.size(); ++k) {
      if (*text == names[k]) return int64_t(k);
    }
  }
  return std::nullopt;
}

}  // namespace internal
}  // namespace entasis
