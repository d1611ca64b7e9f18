#include "daemon/admin/export_route.h"

#include <fmt/format.h>

#include "daemon/admin/temporary_file.h"
#include "daemon/db/image_reader.h"
#include "daemon/log/log.h"

namespace skerry::admin {
namespace {

// The copy, and its place among those that there may be.
class ExportedFile final : public ltx::ByteSource {
 public:
  ExportedFile(std::unique_ptr<os::File> file, Slots::Slot slot)
      : source_(std::move(file)), slot_(std::move(slot)) {}
  Result<size_t> read(ByteSpan into) override { return source_.read(into); }

 private:
  FileSource source_;
  const Slots::Slot slot_;
};

Result<db::ImageReader::End> write_copy(db::ImageReader& reader, os::File& file,
                                        const net::Request& request) {
  db::ImageReader::Batch batch;
  do {
    TRY(request.check_stopping());
    TRY(reader.next(batch));
    if (batch.restart) TRY(file.truncate(os::Site("export:restart"), 0));
    for (size_t i = 0; i < batch.pages.size(); ++i) {
      TRY(file.write_at(os::Site("export:write"), page_offset(batch.pages[i], batch.page_size),
                        batch.page(i)));
    }
  } while (!batch.end);
  TRY(file.truncate(os::Site("export:end"),
                    uint64_t{batch.end->commit} * batch.end->page_size.bytes()));
  return *batch.end;
}

}  // namespace

net::Response ExportRoute::get(net::Request& request) {
  const std::string& name = request.query.get("name");
  if (name.empty()) return net::text_response(400, "name required: GET /export?name=DB\n");
  Slots::Slot slot = slots_.take();
  if (!slot) {
    return net::text_response(
        503, fmt::format("{} exports are under way already; try again later\n", kExportsMax));
  }
  auto response = copy_of(name, request, std::move(slot));
  if (response) return *std::move(response);
  log::warn("export-failed", response.error().message(), {{"db", name}, {"peer", request.peer}});
  return net::error_response(response.error());
}

Result<net::Response> ExportRoute::copy_of(const std::string& name, const net::Request& request,
                                           Slots::Slot slot) {
  const auto database = node_.find(name);
  const db::Database::Info info = database != nullptr ? database->info() : db::Database::Info();
  if (info.commit == 0) {
    return fail(Errc::kNotFound, fmt::format("database not found: {}", name));
  }
  const std::string data_dir = node_.identity().data_dir;
  TRY(check_space(node_.file_system(), data_dir, uint64_t{info.commit} * info.page_bytes,
                  "the copy for an export"));
  TRY_ASSIGN(auto file, temporary_file(node_.file_system(), data_dir));
  TRY_ASSIGN(const auto reader, db::ImageReader::open(database, db::ImageReader::Of::kEverything));
  TRY_ASSIGN(const db::ImageReader::End end, write_copy(*reader, *file, request));
  if (end.commit == 0) {
    return fail(Errc::kNotFound, fmt::format("database {} was dropped meanwhile", name));
  }
  const uint64_t bytes = uint64_t{end.commit} * end.page_size.bytes();
  log::info("export", "sending a copy",
            {{"db", name}, {"pos", to_string(end.position)}, {"bytes", bytes}});
  return net::Response{
      200,
      {{"Content-Type", "application/vnd.sqlite3"}, {"Skerry-Position", to_string(end.position)}},
      net::StreamedBody{std::make_unique<ExportedFile>(std::move(file), std::move(slot)), bytes}};
}

}  // namespace skerry::admin
