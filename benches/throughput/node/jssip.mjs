import { WebSocket } from "ws";
import JsSIP from "jssip";
import { closedLoop, wishes } from "./closed_loop.mjs";

const { url, count, depth } = wishes();
// JsSIP looks for the browser's.
globalThis.WebSocket = WebSocket;
JsSIP.debug.disable();
const ua = new JsSIP.UA({
  sockets: [new JsSIP.WebSocketInterface(url)],
  uri: "sip:jssip@bench.test",
  register: false,
});
ua.on("connected", () => {
  closedLoop(count, depth, (done) => {
    const eventHandlers = { succeeded: () => done(true), failed: () => done(false) };
    ua.sendOptions("sip:bench.test", undefined, { eventHandlers });
  });
});
ua.start();
