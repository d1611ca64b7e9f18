"use client";

export default function ErrorPage({ reset }: { error: Error; reset: () => void }) {
  return (
    <section className="card">
      <h1>This page could not be made</h1>
      <p className="soft">The server logged why. Trying again may do.</p>
      <button onClick={reset}>Try again</button>
    </section>
  );
}
