import { WebSocket } from "ws";
import { UserAgent } from "sip.js";
import { closedLoop, wishes } from "./closed_loop.mjs";

const { url, count, depth } = wishes();
// SIP.js looks for the browser's.
globalThis.WebSocket = WebSocket;
const uri = (text) => UserAgent.makeURI(text);
const ua = new UserAgent({
  uri: uri("sip:sipjs@bench.test"),
  transportOptions: { server: url, traceSip: false },
  logBuiltinEnabled: false,
  logLevel: "error",
});
await ua.start();
const core = ua.userAgentCore;
closedLoop(count, depth, (done) => {
  const [target, from] = [uri("sip:bench.test"), uri("sip:sipjs@bench.test")];
  core.request(core.makeOutgoingRequestMessage("OPTIONS", target, from, target, {}), {
    onAccept: () => done(true),
    onReject: () => done(false),
    onRedirect: () => done(false),
  });
});
