// A kernel with an array that is indexed by data, which no register can be.
__global__ void local_array(float* x, const int* at) {
  float own[32];
  for (int i = 0; i < 32; ++i) own[i] = x[threadIdx.x * 32 + i];
  for (int i = 0; i < 32; ++i) own[at[i]] += own[at[i + 32]];
  for (int i = 0; i < 32; ++i) x[threadIdx.x * 32 + i] = own[i];
}
