import type { Metadata } from "next";
import { UploadForm } from "@/components/UploadForm";
import { When } from "@/components/When";
import { db } from "@/lib/db";
import { kFileBytesMax } from "@/lib/files";

export const metadata: Metadata = { title: "Files" };

export default async function FilesPage() {
  const files = await db.file.findMany({ orderBy: { id: "desc" }, take: 20 });
  return (
    <>
      <h1>Files</h1>
      <p className="lead">Kept in the database, so that they are in every region too. Any size goes to the primary in one request.</p>
      <div className="columns">
        <section className="card" aria-label="Files">
          {files.length === 0 ? (
            <p className="soft" style={{ margin: 0 }}>No file yet.</p>
          ) : (
            <table>
              <tbody>
                <tr><th>Name</th><th>Size</th><th>Since</th></tr>
                {files.map((file) => (
                  <tr key={file.id}>
                    <td><a href={`/api/files/${file.id}`} title={`SHA-256 ${file.sha256}`}>{file.name}</a></td>
                    <td>{sizeText(file.bytes)}</td>
                    <td><When at={file.createdAt} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </section>
        <section className="card" aria-label="Upload">
          <UploadForm bytesMax={kFileBytesMax} />
        </section>
      </div>
    </>
  );
}

function sizeText(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
