// Blocks of device memory, and the free ones of an arena by size.
//
// Free blocks hang in bins: one for each size up to eight units of 512 bytes, then eight for each
// power of two, with a bitmap of those that are not empty. The smallest block that fits lies in the
// request's own bin or in the next one that is not empty.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <entasis/core/backend.h>

namespace entasis::cuda {

inline constexpr size_t kUnit = 512;  // bytes: sizes and addresses of blocks are multiples

struct Block {
  char* data = nullptr;
  size_t bytes = 0;
  size_t requested = 0;  // 0 while free
  void* arena = nullptr;
  bool small = false;
  bool live = false;
  Block* left = nullptr;  // neighbours in the segment
  Block* right = nullptr;
  Block* previous = nullptr;  // in its bin, or in the list of unused ones
  Block* next = nullptr;
  OpNote made_by;
};

class FreeBlocks {
 public:
  void add(Block* block) {
    const int bin = bin_of(block->bytes);
    Block*& head = bins_[size_t(bin)];
    block->previous = nullptr;
    block->next = head;
    if (head) head->previous = block;
    head = block;
    bitmap_[size_t(bin / 64)] |= uint64_t{1} << (bin % 64);
  }
  void remove(Block* block) {
    const int bin = bin_of(block->bytes);
    if (block->previous) {
      block->previous->next = block->next;
    } else {
      bins_[size_t(bin)] = block->next;
      if (block->next == nullptr) bitmap_[size_t(bin / 64)] &= ~(uint64_t{1} << (bin % 64));
    }
    if (block->next) block->next->previous = block->previous;
    block->previous = block->next = nullptr;
  }
  // The smallest block of at least `bytes`, the one freed last among equals; null if none.
  Block* find(size_t bytes) const {
    for (int bin = next_bin(bin_of(bytes)); bin < kBins; bin = next_bin(bin + 1)) {
      Block* best = nullptr;
      for (Block* b = bins_[size_t(bin)]; b; b = b->next) {
        if (b->bytes >= bytes && (best == nullptr || b->bytes < best->bytes)) best = b;
        if (best && best->bytes == bytes) break;
      }
      if (best) return best;
    }
    return nullptr;
  }
  template <class F>
  void for_each(const F& f) const {
    for (Block* head : bins_) {
      for (Block* b = head; b;) {
        Block* const next = b->next;  // `f` may take it away
        f(b);
        b = next;
      }
    }
  }

 private:
  static constexpr int kBins = 8 * 40;

  static int bin_of(size_t bytes) {
    const uint64_t units = bytes / kUnit;
    if (units < 8) return int(units);
    const int power = std::bit_width(units) - 1;
    return 8 * (power - 2) + int(units >> (power - 3) & 7);
  }
  int next_bin(int from) const {
    for (int word = from / 64; word < kBins / 64; ++word) {
      uint64_t bits = bitmap_[size_t(word)];
      if (word == from / 64) bits &= ~uint64_t{0} << (from % 64);
      if (bits) return word * 64 + std::countr_zero(bits);
    }
    return kBins;
  }

  std::array<Block*, kBins> bins_{};
  std::array<uint64_t, kBins / 64> bitmap_{};
};

}  // namespace entasis::cuda
