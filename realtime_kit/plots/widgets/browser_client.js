// A client in the learner's browser, with what a browser brings: EventSource and WebSocket. Python's half is
// browser_client.py. It says in `opening` what to connect to. The page tells of its state, and reports receipts;
// each report and its answer are a round trip, by which Python learns how the page's clock differs from its own.

const REPORT_EVERY_MS = 250;
const FIRST_ROUND_TRIPS = 5; // one right after the other, so that the uncertainty is small from the start
const NEWEST = 5; // events in the table
const KEPT = 300; // latencies in the strip and the median
const STRIP_MS = 30_000;
const TEXT_LENGTH = 120;
const NAMES = { streaming: "EventSource", websocket: "WebSocket" };

// Only what the page cannot know comes from Python: the port, and a prefix for pages that do not tell theirs. The relay
// on that port takes the page's name off the path.
function address({ transport, port, path, prefix }, page) {
  const config = document.getElementById("jupyter-config-data");
  const told = config ? JSON.parse(config.textContent).baseUrl : document.body.dataset.baseUrl ?? prefix;
  const jupyter = location.protocol.startsWith("http") ? told : ""; // a window of VS Code is no page of a server
  const base = jupyter ? `${jupyter.replace(/\/$/, "")}/proxy/${port}` : `http://127.0.0.1:${port}`;
  const url = new URL(`${base}/${page}${path}`, location.href);
  if (transport === "websocket") url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

// Browsers make their clocks coarse, each in its own way: the smallest step of a few tells.
function tickOfClock() {
  let least = Infinity;
  for (let step = 0; step < 3; step += 1) {
    const begun = performance.now();
    let now = begun;
    for (let tries = 0; now === begun && tries < 1e5; tries += 1) now = performance.now();
    if (now > begun) least = Math.min(least, now - begun);
  }
  return Number.isFinite(least) ? least : 100;
}

// One connection at most, whatever number of views the page has; it lasts as long as there is one.
class Client {
  constructor(model) {
    this.model = model;
    this.page = Math.random().toString(36).slice(2);
    this.tick_ms = tickOfClock();
    this.views = new Set();
    this.state = "idle";
    this.words = "Not connected.";
    this.connection = null;
    this.waiting = []; // receipts that have not been reported
    this.reported = []; // receipts whose answer is awaited
    this.sent = null; // the report whose answer is awaited
    this.back = null; // the round trip that has not been told of
    this.roundTrips = 0;
    this.count = 0;
    this.latencies = [];
    this.newest = [];
    model.on("change:opening", () => this.follow());
    model.on("msg:custom", (message) => this.take(message));
    addEventListener("pagehide", (this.leave = () => this.left("The page was left.")));
  }

  dispose() {
    removeEventListener("pagehide", this.leave);
    this.close("idle", "Closed.");
  }

  show(view) {
    this.views.add(view);
    if (this.views.size === 1) this.become(this.state, this.words);
    this.follow();
    view();
    return () => {
      this.views.delete(view);
      if (this.views.size === 0) this.left("Not connected.");
    };
  }

  tell(message) {
    try {
      this.model.send({ ...message, page: this.page });
    } catch {
      // The kernel is gone, and its end of the connection with it.
    }
  }

  become(state, words) {
    [this.state, this.words] = [state, words];
    this.tell({ kind: "state", state, words, number: this.model.get("opening").number ?? 0 });
    this.draw();
  }

  draw() {
    for (const view of this.views) view();
  }

  // A press of a button. The kernel answers with an opening, once it is not busy.
  ask(transport) {
    this.close("asking", "Asking the kernel for a way to Pushpin. A cell that runs may have to end first.");
    this.tell({ kind: "start", transport });
  }

  // What the kernel hears is `stop` or `close` from a button, and `left` of a page that shows this no longer.
  end(kind, words, state = "idle") {
    this.goodbye();
    this.close(state, words);
    this.tell({ kind });
  }

  left(words) {
    if (this.connection) this.end("left", words);
  }

  // The Jupyter server does not pass on that a stream was left, the kernel may be busy, and a page that is being left
  // has no way to the kernel any more. So the relay hears it from here.
  goodbye() {
    if (this.connection instanceof EventSource) navigator.sendBeacon(this.connection.url);
  }

  follow() {
    const opening = this.model.get("opening");
    if (!opening.port) {
      // The end of the connection may be here before the word of it.
      if (this.connection || (opening.words && this.state === "ended")) this.close("idle", opening.words || "Stopped.");
    } else if (opening.number !== this.opened && this.views.size > 0) {
      this.close("idle", "Not connected.");
      this.opened = opening.number;
      this.open(opening);
    }
  }

  open(opening) {
    const name = NAMES[opening.transport];
    this.transport = opening.transport;
    Object.assign(this, { count: 0, latencies: [], newest: [], roundTrips: 0, lastId: "" });
    this.opened_ms = performance.now();
    const url = address(opening, this.page);
    this.connection = this.transport === "websocket" ? this.socket(url) : this.source(url);
    const stop = () => this.end("left", `Stopped after ${opening.seconds} s, as agreed.`);
    this.timers = [setInterval(() => this.report(), REPORT_EVERY_MS), setTimeout(stop, opening.seconds * 1000)];
    this.words_open = `Connected by ${name}, for at most ${opening.seconds} s.`;
    this.become("connecting", `Connecting by ${name} …`);
    this.report();
  }

  source(url) {
    const source = new EventSource(url);
    source.onopen = () => this.become("open", this.words_open);
    source.onmessage = ({ lastEventId, data }) => {
      // An event without an id carries that of the one before.
      this.receive(lastEventId === this.lastId ? "" : lastEventId, data);
      this.lastId = lastEventId;
    };
    // An EventSource would come back by itself, again and again. What the server has ended is over here.
    source.onerror = () => this.fail("The server ended the stream.");
    return source;
  }

  socket(url) {
    const socket = new WebSocket(url);
    socket.onopen = () => this.become("open", this.words_open);
    socket.onmessage = (event) => {
      const { id, data } = asEvent(event.data);
      this.receive(id, data);
    };
    socket.onclose = ({ code, reason }) => this.fail(`The server closed the socket: ${code} ${reason}`.trim() + ".");
    return socket;
  }

  fail(words) {
    const proxied = location.protocol.startsWith("http");
    const needed = proxied ? "jupyter-server-proxy installed where JupyterLab runs" : "the kernel on this machine";
    const never = `No connection. Is the site up, and ${needed}?`;
    // With a good-bye, because a page that is being left has its streams ended before it is told.
    this.end("left", this.state === "open" ? words : never, "ended");
  }

  close(state, words) {
    if (this.connection) {
      this.timers.forEach(clearTimeout);
      for (const name of ["onopen", "onmessage", "onerror", "onclose"]) this.connection[name] = null;
      this.connection.close();
      this.connection = null;
      if (!this.sent) this.report(); // what has not been told yet
    }
    this.become(state, words);
  }

  receive(id, data) {
    const at_ms = performance.now();
    this.count += 1;
    const event = { id, data: String(data).slice(0, TEXT_LENGTH), at_ms };
    this.newest = [event, ...this.newest.slice(0, NEWEST - 1)];
    if (id !== "") this.waiting.push(event);
  }

  // At most one report is on its way, so a busy kernel is not swamped; what it misses it gets with the next.
  report() {
    if (this.sent) return this.draw();
    const told = this.back;
    this.reported = told ? this.waiting.splice(0) : [];
    const receipts = this.reported.map(({ id, at_ms }) => [id, at_ms]);
    const number = (this.number = (this.number ?? 0) + 1);
    const { tick_ms, transport, opened_ms } = this;
    this.sent = { number, sent_ms: performance.now() };
    this.tell({ kind: "report", number, tick_ms, transport, opened_ms, receipts, back: told });
    this.draw();
  }

  take(answer) {
    const back_ms = performance.now();
    if (answer.page !== this.page || answer.number !== this.sent?.number) return;
    this.back = { ...this.sent, back_ms };
    this.sent = null;
    this.roundTrips += 1;
    this.reported.forEach((event, index) => {
      event.latency_ms = answer.latencies_ms[index];
      event.uncertainty_ms = answer.uncertainties_ms[index];
      if (event.latency_ms !== null) this.latencies.push(event);
    });
    this.latencies = this.latencies.slice(-KEPT);
    const more = this.connection ? this.roundTrips < FIRST_ROUND_TRIPS : this.waiting.length > 0;
    if (more) this.report();
    else this.draw();
  }
}

function asEvent(message) {
  try {
    const { id = "", data = message } = JSON.parse(message);
    return { id: String(id), data };
  } catch {
    return { id: "", data: message };
  }
}

// What a view looks like

const CSS = `
.rk-browser { --rk: var(--rk-light); box-sizing: border-box; max-width: 660px; padding: 12px 16px;
  border: 1px solid var(--jp-border-color2, currentColor); border-radius: 4px;
  background: var(--jp-layout-color1, transparent); color: var(--jp-ui-font-color1, inherit);
  font: var(--jp-ui-font-size1, 13px)/1.5 var(--jp-ui-font-family, sans-serif); }
body[data-jp-theme-light="false"] .rk-browser { --rk: var(--rk-dark); }
.rk-browser .rk-buttons { display: flex; flex-wrap: wrap; gap: 8px; }
.rk-browser button { padding: 4px 12px; font: inherit; cursor: pointer; color: inherit;
  border: 1px solid var(--jp-border-color1, currentColor); border-radius: 3px;
  background: var(--jp-layout-color2, transparent); }
.rk-browser button:hover:enabled { background: var(--jp-layout-color3, transparent); }
.rk-browser button:focus-visible { outline: 2px solid var(--jp-brand-color1, currentColor); outline-offset: 1px; }
.rk-browser button:disabled { opacity: 0.5; cursor: default; }
.rk-browser [role="status"] { margin: 12px 0; }
.rk-browser [role="status"]::before { content: "○ "; color: var(--rk); }
.rk-browser [data-state="open"]::before { content: "● "; }
.rk-browser .rk-figures { display: flex; flex-wrap: wrap; gap: 8px 40px; margin-bottom: 8px; }
.rk-browser .rk-figures span, .rk-browser caption, .rk-browser .rk-note { color: var(--jp-ui-font-color2, inherit); }
.rk-browser .rk-figures b { display: block; font-size: 1.4em; font-weight: 400; font-variant-numeric: tabular-nums; }
.rk-browser svg { display: block; width: 100%; font-size: 11px; }
.rk-browser svg text { fill: var(--jp-ui-font-color2, currentColor); }
.rk-browser svg line { stroke: var(--jp-border-color2, currentColor); stroke-width: 1; }
.rk-browser svg rect { fill: var(--rk); opacity: 0.15; }
.rk-browser svg path { fill: var(--rk); }
.rk-browser .rk-note { margin: 0 0 12px; font-size: 0.9em; }
.rk-browser table { width: 100%; table-layout: fixed; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.rk-browser caption { text-align: left; }
.rk-browser th, .rk-browser td { padding: 2px 8px 2px 0; overflow: hidden; text-align: left; white-space: nowrap;
  text-overflow: ellipsis; border-top: 1px solid var(--jp-border-color3, currentColor); background: none; }
.rk-browser th { font-weight: 600; }
`;

const BUTTONS = [
  { words: "Connect (EventSource)", tip: "Open the stream in this browser", transport: "streaming" },
  { words: "Connect (WebSocket)", tip: "Open the socket in this browser", transport: "websocket" },
  { words: "Disconnect", tip: "End the connection, up to Pushpin" },
  { words: "Close", tip: "End the connection, and this widget" },
];

const COLUMNS = [["Id", "15%"], ["Data", "50%"], ["From due to this page", "35%"]];

const WIDTH = 628;
const HEIGHT = 116;
const LEFT = 48;
const FLOOR_MS = 0.3; // what is less, or below zero, stands on the floor
const CEILING_MS = 10_000;
const GRID = { "1 ms": 1, "10 ms": 10, "100 ms": 100, "1 s": 1000, "10 s": CEILING_MS };

function height(ms) {
  const within = Math.min(Math.max(ms, FLOOR_MS), CEILING_MS);
  return 8 + (HEIGHT - 16) * (1 - Math.log(within / FLOOR_MS) / Math.log(CEILING_MS / FLOOR_MS));
}

// The markers of every figure: a triangle for streaming, a diamond for WebSocket.
const MARKER = { streaming: "m0-4l4 7h-8z", websocket: "m0-4l4 4-4 4-4-4z" };

function markers({ latencies, transport }) {
  const now = performance.now();
  const inSight = latencies.filter(({ at_ms }) => now - at_ms < STRIP_MS);
  const place = ({ at_ms, latency_ms }) => {
    const x = WIDTH - 6 - ((WIDTH - LEFT - 12) * (now - at_ms)) / STRIP_MS;
    return `M${x.toFixed(1)} ${height(latency_ms).toFixed(1)}${MARKER[transport]}`;
  };
  return inSight.map(place).join("");
}

function duration(ms) {
  if (Math.abs(ms) >= 9950) return `${(ms / 1000).toFixed(0)} s`;
  if (Math.abs(ms) >= 999.5) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms.toFixed(Math.abs(ms) < 99.95 ? 1 : 0)} ms`;
}

function measured({ latency_ms, uncertainty_ms }) {
  if (latency_ms === undefined) return "…";
  return latency_ms === null ? "history, or due when unknown" : `${duration(latency_ms)} ± ${duration(uncertainty_ms)}`;
}

// Of many the offset of the clocks is wrong in the same way: their median is no more certain than they are.
function median(latencies) {
  const sorted = latencies.map(({ latency_ms }) => latency_ms).sort((a, b) => a - b);
  const middle = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  const uncertainty_ms = Math.max(...latencies.map((event) => event.uncertainty_ms));
  return { latency_ms: middle, uncertainty_ms };
}

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "line", "text", "rect", "path"].includes(tag);
  const element = document.createElementNS(`http://www.w3.org/${svg ? "2000/svg" : "1999/xhtml"}`, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function figure(label) {
  const number = make("b", {}, "–");
  return { number, element: make("div", {}, make("span", {}, label), number) };
}

function strip() {
  const label = "Latency of the last 30 seconds, on a logarithmic scale. Its numbers stand above and below.";
  const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  for (const [words, ms] of Object.entries(GRID)) {
    svg.append(
      make("line", { x1: LEFT, x2: WIDTH, y1: height(ms), y2: height(ms) }),
      make("text", { x: LEFT - 6, y: height(ms) + 4, "text-anchor": "end" }, words),
    );
  }
  const band = make("rect", { x: LEFT, width: WIDTH - LEFT, y: HEIGHT - 8, height: 0 });
  const path = make("path");
  svg.append(band, path);
  return { svg, band, path };
}

function view(client, el) {
  const buttons = BUTTONS.map(({ words, tip }) => make("button", { type: "button", title: tip }, words));
  const [stream, socket, disconnect, close] = buttons;
  stream.onclick = () => client.ask("streaming");
  socket.onclick = () => client.ask("websocket");
  disconnect.onclick = () => client.end("stop", "Disconnected.");
  close.onclick = () => client.end("close", "Closing.");
  const status = make("p", { role: "status", "aria-live": "polite" });
  const [latest, middle, count] = ["Latest", `Median of the newest ${KEPT}`, "Events"].map(figure);
  const { svg, band, path } = strip();
  const scale = "From due to this page, in the last 30 s. Shaded: less than the two clocks can tell.";
  const note = make("p", { class: "rk-note" }, scale);
  const rows = make("tbody");
  const head = make("tr", {}, ...COLUMNS.map(([name, width]) => make("th", { scope: "col", width }, name)));
  const table = make("table", {}, make("caption", {}, "Newest events"), make("thead", {}, head), rows);
  const root = make("section", { class: "rk-browser", "aria-label": "A client in this browser" },
    make("style", {}, CSS), make("div", { class: "rk-buttons" }, ...buttons), status,
    make("div", { class: "rk-figures" }, latest.element, middle.element, count.element), svg, note, table);
  el.append(root);

  return () => {
    const paths = client.model.get("paths");
    if (status.textContent !== client.words) status.textContent = client.words; // or it would be read out again
    status.dataset.state = client.state;
    stream.disabled = !paths.includes("streaming");
    socket.disabled = !paths.includes("websocket");
    disconnect.disabled = !client.connection;
    count.number.textContent = client.count.toLocaleString("en");
    if (client.latencies.length) {
      latest.number.textContent = measured(client.latencies.at(-1));
      middle.number.textContent = measured(median(client.latencies));
      const top = height(client.latencies.at(-1).uncertainty_ms);
      band.setAttribute("y", top);
      band.setAttribute("height", HEIGHT - 8 - top);
      path.setAttribute("d", markers(client));
    }
    for (const theme of ["light", "dark"]) {
      root.style.setProperty(`--rk-${theme}`, client.model.get("colours")[theme][client.transport ?? "streaming"]);
    }
    rows.replaceChildren(...client.newest.map((event) => {
      const cells = [event.id || "none", event.data, event.id ? measured(event) : "no id, so no latency"];
      return make("tr", {}, ...cells.map((text) => make("td", {}, text)));
    }));
  };
}

// A function: every model gets a client of its own.
export default () => {
  let client;
  return {
    initialize({ model }) {
      client = new Client(model);
      return () => client.dispose();
    },
    render({ el }) {
      return client.show(view(client, el));
    },
  };
};
