#include "daemon/admin/import_route.h"

#include <fmt/format.h>

#include <random>

#include "daemon/admin/temporary_file.h"
#include "daemon/db/image_reader.h"
#include "daemon/log/log.h"
#include "ltx/checksum.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::admin {
namespace {

constexpr size_t kPieceBytes = 256 << 10;
constexpr uint64_t kSpaceCheckBytes = 64ull << 20;  // how often the disk is looked at

}  // namespace

net::Response ImportRoute::post(net::Request& request) {
  const std::string& name = request.query.get("name");
  if (name.empty()) return net::text_response(400, "name required: POST /import?name=DB\n");
  const Slots::Slot slot = slots_.take();
  if (!slot) {
    return net::text_response(
        503, fmt::format("{} imports are under way already; try again later\n", kImportsMax));
  }
  const auto position = import(name, request);
  if (!position) {
    log::warn("import-failed", position.error().message(), {{"db", name}, {"peer", request.peer}});
    return net::error_response(position.error());
  }
  log::info("import", "a file became the database's content",
            {{"db", name}, {"pos", to_string(*position)}, {"peer", request.peer}});
  return {200, {{"Skerry-Position", to_string(*position)}}, ""};
}

Result<Position> ImportRoute::import(const std::string& name, net::Request& request) {
  TRY(check_primary());
  TRY_ASSIGN(const Received received, receive(request));
  TRY_ASSIGN(const SqliteImage image, check_image(*received.file, received.bytes));
  TRY(check_space(node_.file_system(), node_.identity().data_dir, 2 * received.bytes,
                  "the import's content and its log"));
  TRY(make_content(name, *received.file, image, request));
  const auto database = node_.find(name);
  if (database == nullptr) return fail(Errc::kNotFound, "the database was dropped meanwhile");
  return database->info().position;
}

Status ImportRoute::check_primary() const {
  const Role role = node_.role();
  if (role.is_primary) return {};
  if (!role.primary_known) {
    return fail(Errc::kReadOnly,
                "this node is not the primary, and none is known at the moment; try again later");
  }
  return fail(
      Errc::kReadOnly,
      fmt::format("this node is a replica; send the import to the primary, {} ({})",
                  role.primary_hostname.empty() ? "a host without a name" : role.primary_hostname,
                  role.primary_url));
}

Result<ImportRoute::Received> ImportRoute::receive(net::Request& request) {
  os::FileSystem& fs = node_.file_system();
  const std::string data_dir = node_.identity().data_dir;
  TRY(check_space(fs, data_dir, request.body_bytes.value_or(0), "the import"));
  Received received;
  TRY_ASSIGN(received.file, temporary_file(fs, data_dir));
  Bytes piece(kPieceBytes);
  uint64_t checked_at = 0;
  for (;;) {
    TRY_ASSIGN(const size_t n, request.body->read(piece));
    if (n == 0) return received;
    TRY(received.file->write_at(os::Site("import:receive"), received.bytes,
                                ByteView(piece).first(n)));
    received.bytes += n;
    if (received.bytes - checked_at < kSpaceCheckBytes) continue;
    checked_at = received.bytes;
    TRY(check_space(fs, data_dir, 0, "the import"));
  }
}

// Empty if there is no such database.
Result<Bytes> ImportRoute::first_page_of(const std::string& name) const {
  const auto database = node_.find(name);
  if (database == nullptr || database->info().commit == 0) return Bytes();
  TRY_ASSIGN(const auto reader, db::ImageReader::open(database, db::ImageReader::Of::kEverything));
  db::ImageReader::Batch batch;
  do {
    TRY(reader->next(batch));
    for (size_t i = 0; i < batch.pages.size(); ++i) {
      if (batch.pages[i] != PageNo(1)) continue;
      const ByteView page = batch.page(i);
      return Bytes(page.begin(), page.end());
    }
  } while (!batch.end);
  return Bytes();
}

Status ImportRoute::make_content(const std::string& name, os::File& file, SqliteImage image,
                                 const net::Request& request) {
  TRY_ASSIGN(const Bytes old_first_page, first_page_of(name));
  TRY_ASSIGN(const auto incoming, node_.applier().begin_import(name, image.page_size, image.pages));
  const size_t page_bytes = image.page_size.bytes();
  Bytes piece(std::max(kPieceBytes, page_bytes));
  Checksum sum = kEmptyChecksum;
  for (uint32_t done = 0; done < image.pages;) {
    TRY(request.check_stopping());
    const auto count =
        static_cast<uint32_t>(std::min<size_t>(piece.size() / page_bytes, image.pages - done));
    const ByteSpan read_into = ByteSpan(piece).first(count * page_bytes);
    TRY_ASSIGN(const size_t n,
               file.read_at(os::Site("import:read"), page_offset(PageNo(done + 1), image.page_size),
                            read_into));
    if (n != read_into.size()) return fail(Errc::kIo, "the received file has become shorter");
    for (uint32_t i = 0; i < count; ++i) {
      const PageNo pgno(++done);
      const ByteSpan page = read_into.subspan(i * page_bytes, page_bytes);
      if (pgno == sqlite::lock_page(image.page_size)) continue;
      if (pgno == PageNo(1) && !old_first_page.empty()) {
        replace_first_page(page, old_first_page, image.pages, std::random_device()());
      }
      sum = sum ^ ltx::page_checksum(pgno, page);
      TRY(incoming->add(pgno, page));
    }
  }
  return incoming->commit(sum);
}

}  // namespace skerry::admin
