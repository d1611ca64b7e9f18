export const kFileBytesMax = 64 << 20;
export const kChunkBytes = 1 << 20; // of one row

/** The whole body, or nothing where it is larger than it may be. */
export async function readBody(request: Request, bytesMax: number): Promise<Buffer | null> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const reader = request.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    if (bytes > bytesMax) {
      await reader.cancel();
      return null;
    }
    parts.push(value);
  }
  return Buffer.concat(parts, bytes);
}
