#include "ltx/crc64.h"

#include <isa-l/crc64.h>

namespace skerry::ltx {

void Crc64::update(ByteView data) {
  crc_ = crc64_iso_refl(crc_, reinterpret_cast<const unsigned char*>(data.data()), data.size());
}

}  // namespace skerry::ltx
