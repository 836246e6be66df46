// What a run leaves behind for its user's eyes: the curve and the table at the end.
#pragma once

#include <string>

#include "images.h"
#include "options.h"
#include "training.h"

// Draws the metrics of the run into its folder. Throws IoError.
void write_curve(const Options& options, const Images& images, int64_t steps_per_epoch);

// What is about to happen.
std::string heading(const Options& options, const Images& images, int64_t parameters);

// The table for standard output.
std::string results_table(const Options& options, const TestResult& result, double seconds);
