import { pinEntry, removeEntry } from "@/app/actions";
import { When } from "@/components/When";
import { WriteForm } from "@/components/WriteForm";
import { kTextMax, newestEntries } from "@/lib/entries";
import { region } from "@/lib/node";
import { currentUser } from "@/lib/session";

export default async function LogPage() {
  const [entries, user] = await Promise.all([newestEntries(), currentUser()]);
  return (
    <>
      <h1>The log</h1>
      <p className="lead">
        Read from the database beside this server. Written in the primary region, wherever you are, and here again
        before you look.
      </p>
      <div className="columns">
        <section className="card" aria-label="Lines">
          {entries.length === 0 && <p className="soft" style={{ margin: 0 }}>Nothing yet. The first line is yours.</p>}
          <ul className="entries" data-testid="entries">
            {entries.map((entry) => (
              <li key={entry.id} data-id={entry.id}>
                <div className="text">{entry.text}</div>
                <div className="meta">
                  <span>{entry.author}</span>
                  <When at={entry.createdAt} />
                  <span className="tag">{entry.region}</span>
                  {entry.pinned && <span className="tag pinned">pinned</span>}
                  <form action={pinEntry}>
                    <input type="hidden" name="id" value={entry.id} />
                    <input type="hidden" name="pinned" value={String(!entry.pinned)} />
                    <button className="quiet">{entry.pinned ? "Unpin" : "Pin"}</button>
                    <button className="quiet" formAction={removeEntry}>Strike out</button>
                  </form>
                </div>
              </li>
            ))}
          </ul>
        </section>
        <section className="card" aria-label="Write">
          <WriteForm region={region} name={user?.name ?? ""} max={kTextMax} />
          {user && <p className="soft" style={{ margin: ".9rem 0 0" }}>{`You write as ${user.name}.`}</p>}
        </section>
      </div>
    </>
  );
}
