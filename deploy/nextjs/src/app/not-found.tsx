export default function NotFound() {
  return (
    <section className="card">
      <h1>Nothing here</h1>
      <p className="soft" style={{ margin: 0 }}>No page has this address.</p>
    </section>
  );
}
