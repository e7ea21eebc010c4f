// JsSIP as the callee.
import './browser.mjs';
import JsSIP from 'jssip';

export async function start({ server, user, action, say }) {
  const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(server)],
    uri: `sip:${user}@lab.test`,
    password: `${user}-pw`,
    register_expires: 60,
    session_timers: false,
  });
  agent.on('registered', () => say('registered'));
  agent.on('registrationFailed', ({ cause }) => say(`registration failed: ${cause}`));
  agent.on('newRTCSession', ({ session, originator }) => {
    if (originator !== 'remote') return;
    say('invite');
    session.on('confirmed', () => say('confirmed'));
    session.on('ended', ({ cause }) => say(cause === 'Terminated' ? 'bye' : `ended ${cause}`));
    session.on('failed', ({ cause, message }) => {
      const reason = message?.getHeader('Reason');
      say(cause === 'Canceled' ? `cancelled ${reason}` : `failed ${cause}`);
    });
    // JsSIP rings by itself.
    if (action === 'answer') session.answer({ mediaStream: new MediaStream() });
    if (action === 'reject') session.terminate({ status_code: 486 });
  });
  agent.on('newMessage', ({ originator, request }) => {
    if (originator === 'remote') say(`message ${request.body}`);
  });
  agent.start();
}
