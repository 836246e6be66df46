#include <cctype>

#include "workload.h"

namespace entasis::bench {

Name::Name(const std::string& text) {
  size_t begin = 0;
  for (size_t end; begin <= text.size(); begin = end + 1) {
    end = std::min(text.find('/', begin), text.size());
    fields.push_back(text.substr(begin, end - begin));
  }
}

std::vector<int64_t> Name::sizes(size_t field) const {
  std::vector<int64_t> numbers;
  bool inside = false;
  for (const char c : fields.at(field)) {
    const bool digit = std::isdigit(static_cast<unsigned char>(c));
    if (digit && !inside) numbers.push_back(0);
    if (digit) numbers.back() = numbers.back() * 10 + (c - '0');
    inside = digit;
  }
  return numbers;
}

int64_t Name::number(size_t field, char letter, int64_t otherwise) const {
  const std::string& text = fields.at(field);
  const size_t at = text.find(letter);
  return at == std::string::npos ? otherwise : std::stoll(text.substr(at + 1));
}

}  // namespace entasis::bench
