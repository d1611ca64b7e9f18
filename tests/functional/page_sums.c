// The rolling checksum of a database image, written from the LTX format's description and sharing
// nothing with the program under test: CRC-64/GO-ISO over big-endian page number and page, the top
// bit set, all pages XORed. Loaded by state.py.
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

static const uint64_t kFlag = 1ull << 63;
static const uint32_t kLockOffset = 0x40000000;
static uint64_t table[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_table(void) {
  for (unsigned i = 0; i < 256; ++i) {
    uint64_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0xD800000000000000ull : 0);
    table[0][i] = crc;
  }
  for (unsigned i = 0; i < 256; ++i) {
    for (int k = 1; k < 8; ++k) {
      table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xff];
    }
  }
}

static uint64_t update(uint64_t crc, const uint8_t* data, size_t n) {
  for (; n >= 8; data += 8, n -= 8) {
    for (int i = 0; i < 8; ++i) crc ^= (uint64_t)data[i] << (8 * i);
    uint64_t next = 0;
    for (int i = 0; i < 8; ++i) next ^= table[7 - i][(crc >> (8 * i)) & 0xff];
    crc = next;
  }
  for (; n > 0; ++data, --n) crc = (crc >> 8) ^ table[0][(crc ^ *data) & 0xff];
  return crc;
}

uint64_t crc64(const uint8_t* data, size_t n) {
  pthread_once(&once, fill_table);
  return ~update(~0ull, data, n);
}

uint64_t rolling_checksum(const uint8_t* image, uint32_t page_bytes, uint32_t pages) {
  pthread_once(&once, fill_table);
  uint64_t sum = 0;
  for (uint32_t p = 1; p <= pages; ++p) {
    if (p == kLockOffset / page_bytes + 1) continue;
    const uint8_t number[4] = {(uint8_t)(p >> 24), (uint8_t)(p >> 16), (uint8_t)(p >> 8),
                               (uint8_t)p};
    uint64_t crc = update(~0ull, number, sizeof number);
    crc = ~update(crc, image + (size_t)(p - 1) * page_bytes, page_bytes);
    sum ^= crc | kFlag;
  }
  return sum | kFlag;
}

// Of a WAL ("The SQLite database file format", 4.2): goes on from *s0, *s1 over 32-bit words.
void wal_checksum(const uint8_t* data, size_t n, int big_endian, uint32_t* s0, uint32_t* s1) {
  for (size_t i = 0; i + 8 <= n; i += 8) {
    uint32_t word[2];
    for (int k = 0; k < 2; ++k) {
      const uint8_t* b = data + i + 4 * (size_t)k;
      word[k] = big_endian
                    ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]
                    : (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
    }
    *s0 += word[0] + *s1;
    *s1 += word[1] + *s0;
  }
}
