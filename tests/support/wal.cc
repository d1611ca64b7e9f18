#include "tests/support/wal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

namespace skerry::test {

using namespace sqlite;

static void must(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

std::vector<PageNo> WalContent::pages() const {
  std::vector<PageNo> result;
  for (const WalFrame& frame : frames) result.push_back(frame.pgno);
  return result;
}

WalIndexHeader WalContent::index_header() const {
  WalIndexHeader result;
  result.order = header.order;
  result.page_size = header.page_size;
  result.max_frame = static_cast<uint32_t>(frames.size());
  result.database_pages = frames.empty() ? 0 : frames.back().commit;
  result.frame_checksum = checksum;
  result.salt = header.salt;
  return result;
}

WalContent read_wal(ByteView file) {
  WalContent result;
  const auto header = decode_wal_header(file);
  must(header.has_value(), "the WAL has no valid header");
  result.header = *header;
  result.checksum = header->checksum;
  WalChecksum checksum = header->checksum;
  std::vector<WalFrame> open;
  for (ByteView rest = file.subspan(kWalHeaderBytes);
       rest.size() >= wal_frame_bytes(header->page_size);
       rest = rest.subspan(wal_frame_bytes(header->page_size))) {
    const WalFrameHeader frame = decode_wal_frame_header(rest.first<kWalFrameHeaderBytes>());
    const ByteView page = rest.subspan(kWalFrameHeaderBytes, header->page_size.bytes());
    checksum = wal_frame_checksum(checksum, header->order, frame.pgno, frame.commit, page);
    if (frame.salt != header->salt || frame.checksum != checksum) break;
    open.push_back({frame.pgno, frame.commit, Bytes(page.begin(), page.end())});
    if (frame.commit == 0) continue;
    result.frames.insert(result.frames.end(), open.begin(), open.end());
    result.checksum = checksum;
    open.clear();
  }
  return result;
}

HeapWalIndex::HeapWalIndex(ByteView file) {
  for (; file.size() >= kWalIndexBlockBytes; file = file.subspan(kWalIndexBlockBytes)) {
    must(grow(blocks_.size() + 1).has_value(), "grow");
    std::ranges::copy(file.first(kWalIndexBlockBytes), blocks_.back()->begin());
  }
}

Status HeapWalIndex::grow(size_t blocks) {
  while (blocks_.size() < blocks) blocks_.push_back(std::make_unique<Block>());
  return {};
}

MappedWalIndex::MappedWalIndex(const std::filesystem::path& path)
    : fd_(open(path.c_str(), O_RDWR | O_CLOEXEC)) {
  must(fd_ >= 0, "cannot open the wal-index");
}

MappedWalIndex::~MappedWalIndex() {
  for (std::byte* block : blocks_) {
    if (block != nullptr) munmap(block, kWalIndexBlockBytes);
  }
  close(fd_);
}

std::byte* MappedWalIndex::block(size_t index) {
  const auto end = static_cast<off_t>((index + 1) * kWalIndexBlockBytes);
  if (lseek(fd_, 0, SEEK_END) < end) return nullptr;
  if (blocks_.size() <= index) blocks_.resize(index + 1);
  if (blocks_[index] == nullptr) {
    void* mapped = mmap(nullptr, kWalIndexBlockBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_,
                        end - static_cast<off_t>(kWalIndexBlockBytes));
    must(mapped != MAP_FAILED, "cannot map the wal-index");
    blocks_[index] = static_cast<std::byte*>(mapped);
  }
  return blocks_[index];
}

Status MappedWalIndex::grow(size_t blocks) {
  const auto bytes = static_cast<off_t>(blocks * kWalIndexBlockBytes);
  if (lseek(fd_, 0, SEEK_END) < bytes) must(ftruncate(fd_, bytes) == 0, "ftruncate");
  return {};
}

WalWriter::WalWriter(const std::filesystem::path& database)
    : memory_(database.string() + "-shm"),
      index_(memory_),
      fd_(open((database.string() + "-wal").c_str(), O_RDWR | O_CLOEXEC)) {
  must(fd_ >= 0, "cannot open the WAL");
  const auto header = index_.header();
  must(header.has_value(), "the wal-index has no valid header");
  published_ = *header;
  next_ = *header;
}

WalWriter::~WalWriter() {
  close(fd_);
}

void WalWriter::write_at(uint64_t offset, ByteView bytes) {
  must(pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) ==
           static_cast<ssize_t>(bytes.size()),
       "pwrite");
}

void WalWriter::restart(uint32_t salt2) {
  std::array<std::byte, kWalHeaderBytes> raw;
  must(pread(fd_, raw.data(), raw.size(), 0) == static_cast<ssize_t>(raw.size()), "pread");
  WalHeader header = decode_wal_header(raw).value();
  published_ = index_.restart(published_, salt2).value();
  header.salt = published_.salt;
  ++header.checkpoint_sequence;
  const auto encoded = encode(header);
  write_at(0, encoded);
  next_ = published_;
  next_.frame_checksum = decode_wal_header(encoded).value().checksum;
}

void WalWriter::append(const WalFrame& frame) {
  ++next_.max_frame;
  next_.frame_checksum =
      wal_frame_checksum(next_.frame_checksum, next_.order, frame.pgno, frame.commit, frame.page);
  Bytes bytes(kWalFrameHeaderBytes);
  encode({frame.pgno, frame.commit, next_.salt, next_.frame_checksum},
         ByteSpan(bytes).first<kWalFrameHeaderBytes>());
  skerry::append(bytes, frame.page);
  write_at(wal_frame_offset(next_.max_frame, next_.page_size), bytes);
  must(index_.append(next_.max_frame, frame.pgno, published_.max_frame).has_value(), "append");
  if (frame.commit != 0) next_.database_pages = frame.commit;
}

void WalWriter::publish() {
  ++next_.changes;
  must(index_.write_header(next_).has_value(), "write_header");
  published_ = next_;
}

Child::Child(const std::function<void()>& work) {
  int ends[2];
  must(pipe(ends) == 0, "pipe");
  pid_ = fork();
  must(pid_ >= 0, "fork");
  if (pid_ != 0) {
    close(ends[0]);
    start_ = ends[1];
    return;
  }
  close(ends[1]);
  char go = 0;
  if (read(ends[0], &go, 1) != 1) _exit(2);
  try {
    work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child: %s\n", error.what());
    _exit(1);
  }
  _exit(0);
}

Child::~Child() {
  if (start_ >= 0) close(start_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

bool Child::go() {
  must(write(start_, "g", 1) == 1, "write");
  int status = 0;
  must(waitpid(pid_, &status, 0) == pid_, "waitpid");
  pid_ = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace skerry::test
