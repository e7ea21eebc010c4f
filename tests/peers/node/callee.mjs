// node callee.mjs LIBRARY SERVER USER ACTION: registers as USER of lab.test over WebSocket, and
// does with each call what ACTION says: answer, ring (until it is cancelled) or reject. It says
// what happens, a line each, until it is ended.
const [library, server, user, action] = process.argv.slice(2);
const { start } = await import(`./${library}.mjs`);
await start({ server, user, action, say: (line) => console.log(line) });
