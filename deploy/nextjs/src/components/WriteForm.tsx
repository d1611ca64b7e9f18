"use client";

import { useActionState } from "react";
import { addEntry, type Written } from "@/app/actions";

export function WriteForm({ region, name, max }: { region: string; name: string; max: number }) {
  const [state, action, pending] = useActionState<Written, FormData>(addEntry, {});
  return (
    <form action={action} data-testid="write">
      <input type="hidden" name="region" value={region} />
      <div className="field">
        <label htmlFor="text">What do you see?</label>
        <textarea id="text" name="text" maxLength={max} required key={state.id} placeholder="Two sails in the north, wind from the west" />
      </div>
      {name === "" && (
        <div className="field">
          <label htmlFor="author">Your name</label>
          <input id="author" name="author" type="text" autoComplete="nickname" defaultValue={state.author} placeholder="somebody" />
        </div>
      )}
      <div className="row">
        <button disabled={pending}>{pending ? "Writing…" : "Write it down"}</button>
        {state.error && <span className="error" role="alert">{state.error}</span>}
        {!state.error && state.id !== undefined && !pending && (
          <span className="said" role="status">{`Written on the ${state.role} in ${state.region}.`}</span>
        )}
      </div>
    </form>
  );
}
