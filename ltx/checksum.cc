#include "ltx/checksum.h"

#include <array>

#include "ltx/crc64.h"

namespace skerry::ltx {

Checksum page_checksum(PageNo pgno, ByteView page) {
  std::array<std::byte, 4> number;
  store_be32(number.data(), pgno.value());
  Crc64 crc;
  crc.update(number);
  crc.update(page);
  return Checksum(crc.value() | kChecksumFlag);
}

}  // namespace skerry::ltx
