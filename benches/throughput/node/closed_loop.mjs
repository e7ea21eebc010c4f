// Keeps so many transactions under way until `count` have ended, and prints what came of it.
// `start(done)` begins one; done(true) is a 2xx. What never ends is ended by whoever runs this.
export function closedLoop(count, depth, start) {
  const rtt = new Float64Array(count);
  let sent = 0, ended = 0, accepted = 0;
  const begin = performance.now();
  const next = () => {
    const at = performance.now();
    sent += 1;
    start((ok) => {
      const now = performance.now();
      rtt[ended++] = now - at;
      if (ok) accepted += 1;
      if (sent < count) next();
      else if (ended === count) report(now - begin);
    });
  };
  const report = (ms) => {
    rtt.sort();
    const quantile = (q) => rtt[Math.min(count - 1, Math.floor(count * q))];
    const rttMs = { p50: quantile(0.5), p99: quantile(0.99) };
    process.stdout.write(
      JSON.stringify({ sent, accepted, seconds: ms / 1000, rtt_ms: rttMs }) + "\n",
      () => process.exit(0),
    );
  };
  for (let i = 0; i < Math.min(depth, count); i++) next();
}

// node FILE URL COUNT DEPTH
export function wishes() {
  const [url, count, depth] = process.argv.slice(2);
  return { url, count: Number(count), depth: Number(depth) };
}
