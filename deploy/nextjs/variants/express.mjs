// Express with litefs-js, as applications use it that were written for LiteFS.
import express from "express";
import {
  getEnsurePrimaryMiddleware,
  getSetTxNumberMiddleware,
  getTransactionalConsistencyMiddleware,
} from "litefs-js/express";
import { addNote, notes, page } from "./page.mjs";

const app = express();
app.use(getTransactionalConsistencyMiddleware());
app.use(getEnsurePrimaryMiddleware());
app.use(express.urlencoded({ extended: false, limit: "16kb" }));
app.use(express.json({ limit: "16kb" }));

app.get("/", async (_request, response) => {
  response.type("html").send(await page("Express"));
});
app.get("/notes", (_request, response) => {
  response.json(notes());
});
app.post(
  "/notes",
  (request, response, next) => {
    response.locals.note = addNote(request.body?.text);
    next();
  },
  getSetTxNumberMiddleware(), // after the write: the cookie says how far it came
  (request, response) => {
    if (response.locals.note === null) return response.status(400).send("A note has some text.\n");
    if (request.is("json")) return response.status(201).json(response.locals.note);
    response.redirect(303, "/");
  },
);

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`listening on ${server.address().port}`);
});
process.on("SIGTERM", () => {
  server.close();
  server.closeIdleConnections();
});
