"use client";

import { useRouter } from "next/navigation";
import { useState, type FormEvent } from "react";

export function UploadForm({ bytesMax }: { bytesMax: number }) {
  const router = useRouter();
  const [sent, setSent] = useState<number | null>(null);
  const [said, setSaid] = useState("");
  const [error, setError] = useState("");

  function upload(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const file = new FormData(form).get("file");
    if (!(file instanceof File) || file.size === 0) return;
    setError("");
    setSaid("");
    if (file.size > bytesMax) return setError(`At most ${bytesMax >> 20} MiB, please.`);
    // XMLHttpRequest, since fetch() does not tell how far an upload is.
    const request = new XMLHttpRequest();
    request.open("POST", `/api/files?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => setSent(loaded / total);
    request.onloadend = () => {
      setSent(null);
      if (request.status !== 201) return setError(`It was not kept: ${request.responseText || "no answer"}`);
      setSaid(`Kept on the ${JSON.parse(request.responseText).role}.`);
      form.reset();
      router.refresh();
    };
    setSent(0);
    request.send(file);
  }

  return (
    <form onSubmit={upload} data-testid="upload">
      <div className="field">
        <label htmlFor="file">{`A file of up to ${bytesMax >> 20} MiB`}</label>
        <input id="file" name="file" type="file" required />
      </div>
      {sent !== null && <p><progress value={sent} max={1} /></p>}
      <div className="row">
        <button disabled={sent !== null}>{sent === null ? "Upload" : "Sending…"}</button>
        {said && <span className="said" role="status">{said}</span>}
        {error && <span className="error" role="alert">{error}</span>}
      </div>
    </form>
  );
}
