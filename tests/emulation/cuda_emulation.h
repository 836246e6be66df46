// For tests: CUDA's device language for an ordinary host compiler, so that Entasis's own kernels
// are built from the same files as by nvcc and run on the CPU. Vector and half types are NVIDIA's
// own host code; the rest is here and in the headers below.
//
// What is not here, kernels do not use: PTX, asynchronous copies, cooperative groups, clusters,
// __activemask(), spinning on another thread (but for a lock that nobody holds at a barrier).
#pragma once

#ifdef __CUDACC__
#error "cuda_emulation.h is for host compilers; nvcc has the real thing"
#endif

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "core.h"
#include "device_atomics.h"
#include "device_collectives.h"
#include "device_launch.h"
#include "device_math.h"
#include "modules.h"

// ---- Keywords. For host compilers NVIDIA's headers define the others, as nothing.
#define __launch_bounds__(...)
#define __noinline__  // not the attribute: the standard library spells that so, too
#undef __shared__
#ifdef __clang__
#define __shared__ static __attribute__((section(ENTASIS_EMULATION_SHARED_SECTION)))
#else
// g++ before 15 rejects a section for statics of templates; such keep what the last block left.
#define __shared__ static
#endif

// ---- Built-in variables.
#define threadIdx (::entasis::emulation::running->thread)
#define blockIdx (::entasis::emulation::running->block)
#define blockDim (::entasis::emulation::running->block_size)
#define gridDim (::entasis::emulation::running->grid_size)
inline constexpr int warpSize = 32;
