// A kernel with more values alive at once than 1024 threads a block leave registers for.
__global__ void __launch_bounds__(1024) spill(float* x) {
  float own[128];
#pragma unroll
  for (int i = 0; i < 128; ++i) own[i] = x[threadIdx.x + i * 1024];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 128; ++i) x[threadIdx.x + i * 1024] = own[i] * own[127 - i];
}
