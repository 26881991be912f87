// A stream and a chat behind Pushpin. Express holds no connection: it answers, and is done.
import { WebSocketMessageFormat, validateSig } from "@fanoutio/grip";
import { ServeGrip } from "@fanoutio/serve-grip";
import express from "express";

const serveGrip = new ServeGrip({
  grip: process.env.GRIP_URL,
  gripProxyRequired: true, // whoever comes past Pushpin gets a 501
});
const publisher = serveGrip.getPublisher();

const app = express();
// serve-grip 2.0.0 does not await its own check of the signature, and so takes every one for good. This one waits.
const key = process.env.GRIP_VERIFY_KEY;
app.use(async (req, res, next) => {
  if (key && !(await validateSig(req.get("Grip-Sig") ?? "", key))) return res.sendStatus(403);
  next();
});
app.use(serveGrip);

app.get("/events", (req, res) => {
  const instruct = res.grip.startInstruct();
  instruct.addChannel("news");
  instruct.setHoldStream();
  res.type("text/event-stream").send("data: welcome\n\n");
});

app.post("/events", express.text({ type: () => true }), async (req, res) => {
  await publisher.publishHttpStream("news", `data: ${req.body}\n\n`);
  res.sendStatus(204);
});

app.post("/chat", async (req, res) => {
  const socket = req.grip.wsContext;
  if (!socket) return res.status(400).send("Come with a WebSocket.\n");
  if (socket.isOpening()) {
    socket.accept();
    socket.subscribe("room");
  }
  for (const text of received(socket)) {
    const said = Number(socket.meta.said ?? 0) + 1;
    socket.meta.said = String(said);
    await publisher.publishFormats("room", new WebSocketMessageFormat(`${req.query.name} (${said}): ${text}`));
  }
  res.end();
});

app.get("/broken", () => {
  throw new Error("this handler has a mistake");
});

// What the client said. recv() answers pings on its way, gives null for a goodbye, and throws if nothing is left or
// the connection broke. canRecv() does not see a ping that comes alone, which then would stay without its pong.
function* received(socket) {
  for (;;) {
    let text;
    try {
      text = socket.recv();
    } catch {
      return;
    }
    if (text === null) return socket.close(socket.closeCode ?? 1000);
    yield text;
  }
}

app.listen(Number(process.env.PORT), "127.0.0.1");
