// Writing a file so that its name always shows either the old contents or the new, whole and on
// disk: temporary file, fsync, rename, fsync of the folder.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <entasis/core/export.h>

namespace entasis::io {

// All members throw IoError naming the path and the system's reason.
//
//   AtomicFile file("runs/model.safetensors");
//   file.write(header);
//   file.write(data, bytes);
//   file.commit();
//
// Without commit(), by an exception say, the destructor removes the temporary file and the old file
// stays as it was. Not safe to share between threads.
class ENTASIS_API AtomicFile {
 public:
  // Creates the temporary file beside `path`, whose folder must exist. If `path` is a symbolic
  // link, its target is replaced, not the link. An existing file keeps its permissions; one that is
  // not a regular file is refused.
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }

  // Makes the new contents durable and puts them under the name. Call it once, last. If it throws
  // before the rename, nothing has changed; if the folder's fsync fails, the new file is in place
  // but may not survive a power cut.
  void commit();

 private:
  [[noreturn]] void fail(const char* what, int error);
  void discard() noexcept;

  std::string path_;       // as the caller gave it, for messages
  std::string target_;     // symbolic links resolved
  std::string temporary_;  // empty once renamed or removed
  int fd_ = -1;
};

// The whole file in one call.
ENTASIS_API void write_file_atomic(const std::string& path, std::string_view contents);

}  // namespace entasis::io
