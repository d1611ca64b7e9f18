// Fastify with litefs-js, as applications use it that were written for LiteFS.
import Fastify from "fastify";
import { ensurePrimary, handleTransactionalConsistency, setTxCookie } from "litefs-js/http";
import { addNote, notes, page } from "./page.mjs";

const kBodyBytesMax = 16 << 10;
const kWriting = new Set(["POST", "PUT", "PATCH", "DELETE"]);

const app = Fastify({ bodyLimit: kBodyBytesMax });

app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) => {
  done(null, Object.fromEntries(new URLSearchParams(body)));
});

// litefs-js answers by itself where another node must: then Fastify is told to leave the reply alone.
app.addHook("onRequest", async (request, reply) => {
  const answered =
    (await handleTransactionalConsistency(request.raw, reply.raw)) ||
    (kWriting.has(request.method) && (await ensurePrimary(reply.raw)));
  if (answered) reply.hijack();
});

app.get("/", async (_request, reply) => reply.type("text/html").send(await page("Fastify")));
app.get("/notes", async () => notes());
app.post("/notes", async (request, reply) => {
  const note = addNote(request.body?.text);
  if (note === null) return reply.code(400).send("A note has some text.\n");
  await setTxCookie(reply.raw);
  const cookie = reply.raw.getHeader("set-cookie");
  if (cookie) reply.header("set-cookie", cookie);
  if (request.headers["content-type"]?.startsWith("application/json")) return reply.code(201).send(note);
  return reply.redirect("/", 303);
});

await app.listen({ host: "::", port: Number(process.env.PORT ?? 3000) });
console.log(`listening on ${app.server.address().port}`);
process.on("SIGTERM", () => app.close());
