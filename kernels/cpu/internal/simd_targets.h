// Chooses the instruction sets that Highway generates code for: SSE4, AVX2 and AVX3 (AVX-512 F, BW,
// CD, DQ, VL) on x86, NEON on ARM. Include it before any Highway header; every kernel file starts
// with it, so that all files agree. It works with Highway 1.0.3 and with its later releases.
#pragma once

// Highway gates SSE4 and above on PCLMUL and AES. No kernel uses them and x86-64-v2, the floor
// that the library is compiled for, lacks them. Without this line the baseline would be SSSE3.
#ifndef HWY_DISABLE_PCLMUL_AES
#define HWY_DISABLE_PCLMUL_AES 1
#endif

// The macros are expanded by Highway, after it has named its targets. On x86 all of its bits
// (0 to 14) but three are off, which covers SSE2, SSSE3, AVX3_DL, AVX3_ZEN4 and AVX3_SPR whether or
// not the release knows them. Scalable vectors are off because formulas hold vectors in structs.
// Neither scalar nor EMU128 code is made, since the static target (SSE4 or NEON) supersedes them.
// Builds with sanitizers make do with SSE4 and AVX2: they compile slowly, and a step out of bounds
// shows in any of them.
#ifdef ENTASIS_SANITIZER_TARGETS
#define ENTASIS_X86_TARGETS (HWY_AVX2 | HWY_SSE4)
#else
#define ENTASIS_X86_TARGETS (HWY_AVX3 | HWY_AVX2 | HWY_SSE4)
#endif
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  ((((1LL << 15) - 1) & ~ENTASIS_X86_TARGETS) | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif

#include <hwy/detect_targets.h>

#if (HWY_TARGETS & (HWY_SCALAR | HWY_EMU128)) != 0
#error "the CPU kernels need SSE4 (compile with -march=x86-64-v2) or NEON"
#endif
