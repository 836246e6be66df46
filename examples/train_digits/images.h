// The images to train on: the digits that ship with Entasis, or MNIST's files.
#pragma once

#include <string>

#include <entasis/data/image_dataset.h>
#include <entasis/data/loader.h>

struct Images {
  std::string name;  // for titles
  std::string path;  // where they come from
  entasis::data::ImageSplit split;
  entasis::data::PixelScale scale;  // of the training images
  std::string checksum;             // tells other images from these
};

// `folder` with MNIST's files, or empty for the digits. Throws IoError.
Images load_images(const std::string& folder);
