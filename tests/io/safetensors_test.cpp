// Files of tensors: what is written comes back to the bit, the bytes are those of the format, and
// each way a file can be wrong is named.
#include <entasis/io/safetensors.h>

#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <gtest/gtest.h>

#include <entasis/core/error.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/methods.h>
#include <entasis/tests/support/errors.h>
#include <entasis/tests/support/same.h>

#include "temporary_folder.h"

namespace entasis::io {
namespace {

using SafetensorsTest = TemporaryFolder;

std::string with_length(uint64_t length, const std::string& rest) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += char(length >> (8 * i));
  return bytes + rest;
}
std::string file_of(const std::string& header, const std::string& data = "") {
  return with_length(header.size(), header + data);
}

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string error_of(const std::string& bytes) {
  try {
    parse_safetensors(bytes_of(bytes), "f");
  } catch (const IoError& error) {
    return error.what();
  }
  return "no error";
}

void expect_same(const Tensor& a, const Tensor& b) {
  EXPECT_TRUE(a.is_contiguous());
  EXPECT_TRUE(same_values(a, b)) << to_string(a.shape()) << " " << to_string(b.shape());
}

NamedTensors one_of_each_dtype() {
  NamedTensors tensors;
  for (int i = 0; i < kDTypes; ++i) {
    const DType dtype = DType(i);
    tensors.add(std::string("of ") + name_of(dtype), randint(0, 2, {3, 5}, dtype));
  }
  tensors.add("halves", randn({7}, kF16));
  tensors.add("specials", from_data({0.0, -0.0, 1e-45, std::numeric_limits<double>::quiet_NaN(),
                                     std::numeric_limits<double>::infinity()},
                                    {5}));
  tensors.add("0-d", scalar_tensor(-2.5, kF64));
  tensors.add("empty", zeros({3, 0, 2}));
  tensors.add("eight", randn({1, 2, 1, 2, 1, 2, 1, 2}));
  return tensors;
}

TEST_F(SafetensorsTest, EveryDtypeComesBack) {
  const NamedTensors tensors = one_of_each_dtype();
  save_safetensors(path("f"), tensors, {{"kind", "test"}, {"", "ünïcode \"quoted\"\n"}});
  for (const LoadMode mode : {LoadMode::kCopy, LoadMode::kMap}) {
    const Safetensors file = load_safetensors(path("f"), mode);
    EXPECT_EQ(file.metadata, (Metadata{{"kind", "test"}, {"", "ünïcode \"quoted\"\n"}}));
    ASSERT_EQ(file.tensors.size(), tensors.size());
    for (const auto& [name, tensor] : tensors) {
      SCOPED_TRACE(name);
      ASSERT_TRUE(file.tensors.contains(name));
      expect_same(file.tensors.at(name), tensor);
    }
  }
}

TEST_F(SafetensorsTest, StridedTensorsAreStoredRowMajor) {
  const Tensor x = randn({4, 6});
  const NamedTensors tensors = {{"transposed", x.transpose(0, 1)},
                                {"sliced", x.slice(1, 1, 6, 2)},
                                {"expanded", x.slice(0, 0, 1).expand({3, 6})}};
  save_safetensors(path("f"), tensors);
  const Safetensors file = load_safetensors(path("f"));
  for (const auto& [name, tensor] : tensors) expect_same(file.tensors.at(name), tensor);
}

TEST_F(SafetensorsTest, BytesAreThoseOfTheFormat) {
  save_safetensors(path("f"),
                   {{"b", from_data<uint8_t>(std::vector<uint8_t>{1, 2, 3}, {3})},
                    {"a", from_data({1.0, -2.0}, {2, 1})},
                    {"c", scalar_tensor(1.0, kF64)}},
                   {{"k", "v"}});
  const std::string header =
      R"({"__metadata__":{"k":"v"},"c":{"dtype":"F64","shape":[],"data_offsets":[0,8]},)"
      R"("a":{"dtype":"F32","shape":[2, 1],"data_offsets":[8,16]},)"
      R"("b":{"dtype":"U8","shape":[3],"data_offsets":[16,19]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  const std::string data(
      "\0\0\0\0\0\0\xf0\x3f"
      "\0\0\x80\x3f"
      "\0\0\0\xc0"
      "\1\2\3",
      19);
  EXPECT_EQ(read(path("f")), file_of(header + padding, data));
}

TEST_F(SafetensorsTest, OrderOfTheArgumentsDoesNotMatter) {
  const Tensor a = randn({3}), b = randn({2}), c = randn({2}, kF16);
  save_safetensors(path("1"), {{"a", a}, {"b", b}, {"c", c}});
  save_safetensors(path("2"), {{"c", c}, {"b", b}, {"a", a}});
  EXPECT_EQ(read(path("1")), read(path("2")));
}

TEST_F(SafetensorsTest, NothingAtAllIsAFileToo) {
  save_safetensors(path("f"), {});
  EXPECT_TRUE(load_safetensors(path("f")).tensors.empty());
}

TEST_F(SafetensorsTest, ReadsHeadersOfOtherWriters) {
  // Keys in any order, spaces anywhere, tensors not in the order of their data.
  const std::string header =
      "{ \"y\" : { \"data_offsets\" : [2, 4], \"shape\" : [1] , \"dtype\" : \"BF16\" },\n"
      "\"x\":{\"shape\":[2],\"data_offsets\":[0,2],\"dtype\":\"I8\"}}   ";
  const std::string bytes = file_of(header, std::string("\xff\x01\x80\x3f", 4));
  const Safetensors file = parse_safetensors(bytes_of(bytes), "f");
  EXPECT_EQ(file.tensors.begin()->name, "x");
  EXPECT_EQ(file.tensors.at("x")[0].item(), -1);
  EXPECT_EQ(file.tensors.at("y").item(), 1);
}

TEST_F(SafetensorsTest, EmptyTensorsMayHaveHugeOtherSizes) {
  const std::string bytes =
      file_of(R"({"t":{"dtype":"F64","shape":[4294967296,0,4294967296],"data_offsets":[0,0]}})");
  const Tensor tensor = parse_safetensors(bytes_of(bytes), "f").tensors.at("t");
  EXPECT_EQ(tensor.shape(), Dims({4294967296, 0, 4294967296}));
  EXPECT_EQ(tensor.numel(), 0);
}

// ---- Mapped tensors

TEST_F(SafetensorsTest, MappedTensorsOutliveTheFileAndEachOther) {
  save_safetensors(path("f"), {{"a", arange(1000, {kF32})}, {"b", arange(10)}});
  Tensor a;
  {
    const Safetensors file = load_safetensors(path("f"), LoadMode::kMap);
    a = file.tensors.at("a");
  }
  std::filesystem::remove(path("f"));
  EXPECT_EQ(a.sum().item(), 499500);
}

TEST_F(SafetensorsTest, WritingToAMappedTensorLeavesTheFileAlone) {
  save_safetensors(path("f"), {{"a", ones({100})}});
  const std::string before = read(path("f"));
  const Safetensors file = load_safetensors(path("f"), LoadMode::kMap);
  Tensor a = file.tensors.at("a");
  a.fill_(7);
  EXPECT_EQ(a.sum().item(), 700);
  EXPECT_EQ(read(path("f")), before);
  // A file that is replaced stays as it was under the tensors that look into it.
  save_safetensors(path("f"), {{"a", zeros({100})}});
  EXPECT_EQ(a.sum().item(), 700);
}

TEST_F(SafetensorsTest, MisalignedDataIsCopied) {
  write(path("f"), file_of(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                           R"("y":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
                           std::string("\x05\0\0\x80\x3f", 5)));
  const Safetensors file = load_safetensors(path("f"), LoadMode::kMap);
  EXPECT_EQ(file.tensors.at("y").item(), 1);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file.tensors.at("y").raw()) % 4, 0u);
}

// ---- Files that are wrong

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{" + entry("t", dtype, shape, offsets) + "}";
}
std::string zeros_of(size_t n) { return std::string(n, '\0'); }

struct Bad {
  const char* title;
  std::string bytes;
  std::string message;
};

TEST(BadSafetensors, EachIsNamed) {
  const std::string list = " F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL";
  const Bad files[] = {
      // The header's length
      {"empty file", "",
       "not a safetensors file: it has 0 bytes, its header's length alone takes 8"},
      {"cut length", "1234567",
       "not a safetensors file: it has 7 bytes, its header's length alone takes 8"},
      {"length over the cap", with_length(100'000'001, "{}"),
       "header length 100000001 is over the limit of 100000000 bytes"},
      {"length at its most", with_length(~uint64_t{0}, "{}"),
       "header length 18446744073709551615 is over the limit of 100000000 bytes"},
      {"length over the file", with_length(3, "{}"),
       "header length 3 is over the 2 bytes that follow"},
      // Its JSON
      {"no header", file_of(""), "the header must begin with '{', found nothing"},
      {"space first", file_of(" {}"), "the header must begin with '{', found 0x20"},
      {"an array", file_of("[]"), "the header must begin with '{', found 0x5b"},
      {"cut JSON", file_of("{\"a\":"), "the header is not valid JSON, at its byte 6"},
      {"two values", file_of("{}{}"), "the header is not valid JSON, at its byte 3"},
      {"zeros at the end", file_of("{}" + zeros_of(2)),
       "the header is not valid JSON, at its byte 3"},
      {"bad UTF-8", file_of("{\"\xff\":1}"), "the header is not valid JSON, at its byte 3"},
      {"a comment", file_of("{/**/}"), "the header is not valid JSON, at its byte 2"},
      {"nested objects", file_of(R"({"t":{"dtype":{"a":{}}}})"),
       "tensor 't': 'dtype' must be a string, found an object"},
      {"nested arrays", file_of(R"({"t":{"shape":[[]]}})"),
       "tensor 't': 'shape' must hold integers, found an array"},
      {"depth bomb", file_of("{\"t\":" + std::string(1'000'000, '[')),
       "'t' must be an object, found an array"},
      // Names and fields
      {"no object", file_of(R"({"t":3})"), "'t' must be an object, found a number"},
      {"null", file_of(R"({"t":null})"), "'t' must be an object, found null"},
      {"name twice",
       file_of("{" + entry("t", "U8", "[0]", "[0,0]") + "," + entry("t", "U8", "[0]", "[0,0]") +
               "}"),
       "the name 't' appears twice"},
      {"name twice, once escaped",
       file_of("{" + entry("t", "U8", "[0]", "[0,0]") + "," +
               entry("\\u0074", "U8", "[0]", "[0,0]") + "}"),
       "the name 't' appears twice"},
      {"metadata twice", file_of(R"({"__metadata__":{},"__metadata__":{}})"),
       "the name '__metadata__' appears twice"},
      {"metadata no text", file_of(R"({"__metadata__":{"a":1}})"),
       "the metadata 'a' must be a string, found a number"},
      {"metadata key twice", file_of(R"({"__metadata__":{"a":"1","a":"1"}})"),
       "the metadata 'a' appears twice"},
      {"metadata no object", file_of(R"({"__metadata__":"a"})"),
       "'__metadata__' must be an object, found a string"},
      {"unknown key", file_of(R"({"t":{"stride":[1]}})"), "tensor 't': unknown key 'stride'"},
      {"key twice", file_of(R"({"t":{"dtype":"U8","dtype":"U8"}})"),
       "tensor 't': 'dtype' appears twice"},
      {"no dtype", file_of(R"({"t":{"shape":[0],"data_offsets":[0,0]}})"),
       "tensor 't': 'dtype' is missing"},
      {"no shape", file_of(R"({"t":{"dtype":"U8","data_offsets":[0,0]}})"),
       "tensor 't': 'shape' is missing"},
      {"no offsets", file_of(R"({"t":{"dtype":"U8","shape":[0]}})"),
       "tensor 't': 'data_offsets' is missing"},
      {"long name", file_of("{\"" + std::string(5000, 'n') + "\":1}"),
       "'" + std::string(120, 'n') + "…' must be an object, found a number"},
      {"line break in a name", file_of("{\"a\\nb\":1}"), "'a?b' must be an object, found a number"},
      // Dtypes
      {"unknown dtype", file_of(one("Q4", "[0]", "[0,0]")),
       "tensor 't': dtype 'Q4' is none of" + list},
      {"small letters", file_of(one("f32", "[0]", "[0,0]")),
       "tensor 't': dtype 'f32' is none of" + list},
      {"dtype no text", file_of(R"({"t":{"dtype":3}})"),
       "tensor 't': 'dtype' must be a string, found a number"},
      // Shapes
      {"shape no array", file_of(R"({"t":{"shape":3}})"),
       "tensor 't': 'shape' must be an array of integers, found a number"},
      {"negative size", file_of(one("U8", "[-1]", "[0,0]")),
       "tensor 't': 'shape' must hold integers, found a negative number"},
      {"fraction", file_of(one("U8", "[1.5]", "[0,0]")),
       "tensor 't': 'shape' must hold integers, found a number that is not a 64-bit integer"},
      {"size over 63 bits", file_of(one("U8", "[9223372036854775808]", "[0,0]")),
       "tensor 't': size 9223372036854775808 in 'shape'"},
      {"size over 64 bits", file_of(one("U8", "[18446744073709551616]", "[0,0]")),
       "tensor 't': 'shape' must hold integers, found a number that is not a 64-bit integer"},
      {"nine dimensions", file_of(one("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), zeros_of(1)),
       "tensor 't': 'shape' has more than 8 dimensions"},
      {"elements overflow", file_of(one("U8", "[4294967296,4294967296]", "[0,0]")),
       "tensor 't': shape [4294967296, 4294967296] of U8 needs more than 2^63 bytes"},
      {"bytes overflow", file_of(one("F64", "[2305843009213693952]", "[0,0]")),
       "tensor 't': shape [2305843009213693952] of F64 needs more than 2^63 bytes"},
      {"too few bytes", file_of(one("F32", "[2,3]", "[0,20]"), zeros_of(20)),
       "tensor 't': shape [2, 3] of F32 needs 24 bytes, data_offsets [0, 20] hold 20"},
      {"too many bytes", file_of(one("F32", "[]", "[0,8]"), zeros_of(8)),
       "tensor 't': shape [] of F32 needs 4 bytes, data_offsets [0, 8] hold 8"},
      // Offsets
      {"one offset", file_of(one("U8", "[0]", "[0]")),
       "tensor 't': 'data_offsets' has 1 numbers, expected 2"},
      {"three offsets", file_of(one("U8", "[0]", "[0,0,0]")),
       "tensor 't': 'data_offsets' has 3 numbers, expected 2"},
      {"backwards", file_of(one("U8", "[4]", "[4,0]"), zeros_of(4)),
       "tensor 't': data_offsets [4, 0] run backwards"},
      {"behind the end", file_of(one("U8", "[4]", "[0,4]"), zeros_of(3)),
       "tensor 't': data_offsets [0, 4] end behind the data of 3 bytes"},
      {"far behind the end",
       file_of(one("U8", "[4]", "[18446744073709551611,18446744073709551615]")),
       "tensor 't': data_offsets [18446744073709551611, 18446744073709551615] end behind the data "
       "of "
       "0 bytes"},
      {"overlap",
       file_of(
           "{" + entry("a", "U8", "[4]", "[0,4]") + "," + entry("b", "U8", "[4]", "[3,7]") + "}",
           zeros_of(7)),
       "tensor 'b': data_offsets [3, 7] overlap those of tensor 'a', [0, 4]"},
      {"the same bytes twice",
       file_of(
           "{" + entry("a", "U8", "[4]", "[0,4]") + "," + entry("b", "U8", "[4]", "[0,4]") + "}",
           zeros_of(4)),
       "tensor 'b': data_offsets [0, 4] overlap those of tensor 'a', [0, 4]"},
      {"hole",
       file_of(
           "{" + entry("a", "U8", "[4]", "[0,4]") + "," + entry("b", "U8", "[4]", "[6,10]") + "}",
           zeros_of(10)),
       "tensor 'b': data_offsets [6, 10] leave a hole: no tensor holds bytes 4 to 6 of the data"},
      {"hole at the start", file_of(one("U8", "[4]", "[2,6]"), zeros_of(6)),
       "tensor 't': data_offsets [2, 6] leave a hole: no tensor holds bytes 0 to 2 of the data"},
      {"rest", file_of(one("U8", "[4]", "[0,4]"), zeros_of(9)), "no tensor holds the last 5 bytes"},
      {"data without tensors", file_of("{}", zeros_of(1)), "no tensor holds the last 1 bytes"},
      // Elements
      {"no bool", file_of(one("BOOL", "[3]", "[0,3]"), std::string("\0\1\2", 3)),
       "tensor 't': element 2 of a BOOL tensor is 2, expected 0 or 1"},
  };
  for (const Bad& file : files) {
    SCOPED_TRACE(file.title);
    EXPECT_EQ(error_of(file.bytes), "f: " + file.message);
  }
}

TEST_F(SafetensorsTest, FilesThatAreBadAreNamedByPath) {
  auto message = [](const std::string& path) -> std::string {
    try {
      load_safetensors(path);
    } catch (const IoError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message(path("none")), path("none") + ": cannot read: No such file or directory");
  EXPECT_EQ(message(folder_.string()), folder_.string() + ": is a folder, expected a file");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(message(path("pipe")), path("pipe") + ": is not a regular file");
  write(path("empty"), "");
  EXPECT_EQ(message(path("empty")),
            path("empty") +
                ": not a safetensors file: it has 0 bytes, its header's length alone "
                "takes 8");
}

// ---- What cannot be written

TEST_F(SafetensorsTest, RefusesWhatTheFormatCannotHold) {
  const Tensor x = ones({1});
  expect_error<ValueError>(
      [&] {
        save_safetensors(path("f"), {{"x", Tensor()}});
      },
      "save_safetensors: tensor 'x' is undefined");
  expect_error<ValueError>(
      [&] {
        save_safetensors(path("f"), {{"__metadata__", x}});
      },
      "save_safetensors: no tensor may be named '__metadata__'");
  expect_error<ValueError>(
      [&] {
        save_safetensors(path("f"), {{"\xc3", x}});
      },
      "save_safetensors: '\xc3' is not valid UTF-8");
  expect_error<ValueError>(
      [&] {
        save_safetensors(path("f"), {{"x", x}}, {{"k", "\x80"}});
      },
      "save_safetensors: '\x80' is not valid UTF-8");
  EXPECT_FALSE(std::filesystem::exists(path("f")));
}

TEST_F(SafetensorsTest, AFailedWriteLeavesTheOldFile) {
  save_safetensors(path("f"), {{"x", ones({4})}});
  const std::string before = read(path("f"));
  EXPECT_THROW(save_safetensors(path("f"), {{"x", Tensor()}}), ValueError);
  EXPECT_THROW(save_safetensors(path("none/f"), {{"x", ones({4})}}), IoError);
  EXPECT_EQ(read(path("f")), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST(NamedTensorsTest, FindsByNameAndKeepsTheOrder) {
  NamedTensors tensors = {{"b", ones({1})}, {"a", zeros({2})}};
  EXPECT_EQ(tensors.begin()->name, "b");
  EXPECT_EQ(tensors.at("a").numel(), 2);
  EXPECT_EQ(tensors.find("c"), nullptr);
  expect_error<ValueError>([&] { tensors.at("c"); }, "there is no tensor named 'c'");
  expect_error<ValueError>([&] { tensors.add("a", ones({1})); }, "the name 'a' is already taken");
}

}  // namespace
}  // namespace entasis::io
