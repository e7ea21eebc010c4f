// A WebSocket loop that does no SIP: the same bytes each time, and every answer counts for the
// request that has waited longest.
import { WebSocket } from "ws";
import { closedLoop, wishes } from "./closed_loop.mjs";

const { url, count, depth } = wishes();
const socket = new WebSocket(url, "sip", { perMessageDeflate: false });
const request = [
  "OPTIONS sip:bench.test SIP/2.0",
  "Via: SIP/2.0/WS bare.invalid;branch=z9hG4bKbare;rport",
  "Max-Forwards: 70",
  "From: <sip:bare@bench.test>;tag=bare",
  "To: <sip:bench.test>",
  "Call-ID: bare",
  "CSeq: 1 OPTIONS",
  "Content-Length: 0",
  "", "",
].join("\r\n");
const waiting = [];
let first = 0;
socket.on("message", (data) => {
  const done = waiting[first];
  waiting[first++] = undefined;
  done(data.subarray(0, 11).toString() === "SIP/2.0 200");
});
socket.on("open", () => {
  closedLoop(count, depth, (done) => {
    waiting.push(done);
    socket.send(request);
  });
});
