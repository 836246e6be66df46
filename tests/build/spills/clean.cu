// A kernel that keeps all in registers.
__global__ void clean(float* x) { x[threadIdx.x] *= 2; }
