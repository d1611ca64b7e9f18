import type { Metadata } from "next";
import { When } from "@/components/When";
import { kNameMax } from "@/lib/entries";
import { currentUser } from "@/lib/session";

export const metadata: Metadata = { title: "Account" };

/** Plain forms, without script: the POST writes a session and redirects to this page, which must find it. */
export default async function AccountPage() {
  const user = await currentUser();
  return (
    <>
      <h1>Account</h1>
      <p className="lead">A name is enough; there is no password, and nothing here is worth one.</p>
      <section className="card" style={{ maxWidth: "30rem" }}>
        {user ? (
          <>
            <h2 data-testid="user">{`Hello, ${user.name}`}</h2>
            <dl className="facts">
              <dt>Number</dt><dd>{user.id}</dd>
              <dt>Known since</dt><dd><When at={user.createdAt} /></dd>
            </dl>
            <form method="post" action="/api/logout" style={{ marginTop: "1rem" }}>
              <button>Log out</button>
            </form>
          </>
        ) : (
          <form method="post" action="/api/login">
            <div className="field">
              <label htmlFor="name">Name</label>
              <input id="name" name="name" type="text" required maxLength={kNameMax} autoComplete="nickname" />
            </div>
            <button>Log in</button>
          </form>
        )}
      </section>
    </>
  );
}
