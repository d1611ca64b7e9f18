#include "ltx/sqlite/wal_checksum.h"

#include "ltx/base/invariant.h"

namespace skerry::sqlite {

template <std::endian kOrder>
static WalChecksum sum(WalChecksum sum, ByteView data) {
  for (size_t i = 0; i < data.size(); i += 8) {
    sum.s0 += bytes_detail::load<uint32_t>(&data[i], kOrder) + sum.s1;
    sum.s1 += bytes_detail::load<uint32_t>(&data[i + 4], kOrder) + sum.s0;
  }
  return sum;
}

WalChecksum wal_checksum(WalChecksum start, WalByteOrder order, ByteView data) {
  INVARIANT(data.size() % 8 == 0);
  return order == WalByteOrder::kBig ? sum<std::endian::big>(start, data)
                                     : sum<std::endian::little>(start, data);
}

}  // namespace skerry::sqlite
